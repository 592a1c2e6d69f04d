use std::collections::HashMap;
use std::ops::Range;

use zeroize::Zeroizing;

use super::Addition;
use super::outline::{Entry, Outline, Piece};
use super::write::{Item, Value, scalar};

type Splice = (Range<usize>, Zeroizing<String>);

/// Inserts new fields of clients; clients that the file does not name yet are added at its end.
pub(super) fn additions(
    outline: &Outline<'_>,
    known: &HashMap<&str, &Entry<'_>>,
    additions: Vec<Addition>,
    eol: &str,
) -> Vec<Splice> {
    let clients = outline.root.as_ref().and_then(|root| root.field("clients"));
    let mut splices = Vec::new();
    let mut new = Vec::new();
    for addition in additions {
        match known.get(&*addition.client) {
            Some(client) => splices.extend(to_client(outline, client, addition, eol)),
            None => new.push((scalar(&addition.client), as_mapping(addition))),
        }
    }
    if new.is_empty() {
        return splices;
    }
    if let Some(clients) = clients {
        splices.extend(entries(outline, clients, new, eol));
        return splices;
    }
    if let Some(root) = outline.root.as_ref().filter(|root| root.is_empty()) {
        splices.push((with_blanks_before(outline.text, &root.range), Zeroizing::default()));
    }
    let mut text = String::from("clients:");
    Value::Mapping(new).behind_name(0, eol, &mut text);
    splices.push(line_at(outline, outline.end, &text, eol));
    splices
}

fn as_mapping(addition: Addition) -> Value {
    let mut fields = addition.fields;
    if !addition.keys.is_empty() {
        fields.push(("keys".to_owned(), Value::List(addition.keys)));
    }
    Value::Mapping(fields)
}

fn to_client(
    outline: &Outline<'_>,
    client: &Entry<'_>,
    addition: Addition,
    eol: &str,
) -> Vec<Splice> {
    let mut splices = Vec::new();
    let mut fields = addition.fields;
    match client.value.field("keys") {
        _ if addition.keys.is_empty() => {}
        Some(keys) => splices.extend(items(outline, keys, addition.keys, eol)),
        None => fields.push(("keys".to_owned(), Value::List(addition.keys))),
    }
    if !fields.is_empty() {
        splices.extend(entries(outline, client, fields, eol));
    }
    splices
}

/// Sets fields of a mapping: existing fields are replaced, new ones are appended.
pub(super) fn fields(
    outline: &Outline<'_>,
    mapping: &Piece<'_>,
    fields: &[(String, Value)],
    eol: &str,
) -> Vec<Splice> {
    let mut splices = Vec::new();
    for (name, value) in fields {
        if let Some(known) = mapping.field(name) {
            if !known.value.text().is_some_and(|known| value.is_said_by(known)) {
                splices.push((known.value.range.clone(), Zeroizing::new(value.flow())));
            }
        } else {
            let column = column(outline.text, mapping.range.start);
            let text = format!("{:column$}{name}: {}", "", value.flow());
            let place = line_behind(outline.text, mapping.range.end, column);
            splices.push(line_at(outline, place, &text, eol));
        }
    }
    splices
}

/// Puts entries into the mapping that is the value of an entry.
fn entries(
    outline: &Outline<'_>,
    parent: &Entry<'_>,
    new: Vec<(String, Value)>,
    eol: &str,
) -> Vec<Splice> {
    let mapping = &parent.value;
    if mapping.is_empty() {
        let column = column(outline.text, parent.key.range.start);
        let mut text = String::new();
        Value::Mapping(new).behind_name(column, eol, &mut text);
        return below(outline, parent, &text, eol);
    }
    let column = column(outline.text, mapping.range.start);
    let mut splices = Vec::new();
    for (name, value) in new {
        let mut text = format!("{:column$}{name}:", "");
        value.behind_name(column, eol, &mut text);
        // Whether a client is enabled is to be seen at first sight.
        let place = if name == "enabled" {
            line_behind(outline.text, colon_behind(outline.text, &parent.key), usize::MAX)
        } else {
            line_behind(outline.text, mapping.range.end, column)
        };
        splices.push(line_at(outline, place, &text, eol));
    }
    splices
}

/// Puts items into the list that is the value of an entry.
fn items(outline: &Outline<'_>, parent: &Entry<'_>, new: Vec<Item>, eol: &str) -> Vec<Splice> {
    let list = &parent.value;
    if list.is_empty() {
        let column = column(outline.text, parent.key.range.start);
        let mut text = String::new();
        Value::List(new).behind_name(column, eol, &mut text);
        return below(outline, parent, &text, eol);
    }
    let column = column(outline.text, list.range.start);
    let place = line_behind(outline.text, list.range.end, column);
    let mut splices = Vec::new();
    for item in new {
        let mut text = String::new();
        item.block(column, eol, &mut text);
        splices.push(line_at(outline, place, &text, eol));
    }
    splices
}

/// Lines below an entry that has nothing yet, whose empty brackets or `null` go.
fn below(outline: &Outline<'_>, parent: &Entry<'_>, lines: &str, eol: &str) -> Vec<Splice> {
    let empty = &parent.value.range;
    let place = line_behind(outline.text, empty.end, usize::MAX);
    let lines = lines.strip_prefix(eol).unwrap_or(lines);
    let gone = with_blanks_before(outline.text, empty);
    vec![(gone, Zeroizing::default()), line_at(outline, place, lines, eol)]
}

/// An empty value with the blanks before it, or with its line where that holds nothing else.
fn with_blanks_before(text: &str, empty: &Range<usize>) -> Range<usize> {
    let start = text[..empty.start].trim_end_matches([' ', '\t']).len();
    let rest = text[empty.end..].split_inclusive('\n').next().unwrap_or_default();
    let alone = begins_line(text, start) && rest.trim().is_empty() && !empty.is_empty();
    start..if alone { empty.end + rest.len() } else { empty.end }
}

/// A line, or several, at the beginning of one.
fn line_at(outline: &Outline<'_>, place: usize, line: &str, eol: &str) -> Splice {
    let begins = begins_line(outline.text, place);
    let line = if begins { format!("{line}{eol}") } else { format!("{eol}{line}") };
    (place..place, Zeroizing::new(line))
}

fn begins_line(text: &str, place: usize) -> bool {
    matches!(text[..place].chars().next_back(), None | Some('\n' | '\u{feff}'))
}

/// Where the line after this place begins, and behind comments that stand as deep as this column.
fn line_behind(text: &str, place: usize, column: usize) -> usize {
    let next = |place: usize| text[place..].find('\n').map_or(text.len(), |end| place + end + 1);
    let mut place = next(place);
    loop {
        let line = &text[place..next(place)];
        let blanks = line.len() - line.trim_start_matches(' ').len();
        if blanks < column || !line[blanks..].starts_with('#') {
            return place;
        }
        place += line.len();
    }
}

fn line_start(text: &str, place: usize) -> usize {
    text[..place].rfind('\n').map_or(0, |end| end + 1)
}

/// The colon between a key and its value, which stands on a line of its own where the key says `?`.
fn colon_behind(text: &str, key: &Piece<'_>) -> usize {
    let mut place = key.range.end;
    loop {
        let rest = text[place..].trim_start();
        place = text.len() - rest.len();
        if !rest.starts_with('#') {
            return place;
        }
        place += rest.find('\n').unwrap_or(rest.len());
    }
}

fn column(text: &str, place: usize) -> usize {
    let line = &text[line_start(text, place)..place];
    line.trim_start_matches('\u{feff}').chars().count()
}
