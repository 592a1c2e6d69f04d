use std::collections::HashMap;
use std::ops::Range;

use zeroize::Zeroizing;

use super::outline::{Entry, Outline, Piece};
use super::write::{Item, Value, scalar};

type Splice = (Range<usize>, Zeroizing<String>);

/// New fields and keys of one client.
pub(super) struct Addition {
    pub(super) client: String,
    pub(super) fields: Vec<(String, Value)>,
    pub(super) keys: Vec<Item>,
}

/// Inserts new fields and keys of clients. Clients that are not in the file yet are added at its end.
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
    Value::Mapping(new).write_after_name(0, eol, &mut text);
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

/// Sets fields of a mapping: replaces existing fields and appends new ones.
pub(super) fn fields(
    outline: &Outline<'_>,
    mapping: &Piece<'_>,
    fields: &[(String, Value)],
    eol: &str,
) -> Vec<Splice> {
    let mut splices = Vec::new();
    for (name, value) in fields {
        if let Some(known) = mapping.field(name) {
            if !known.value.text().is_some_and(|old| value.is_equivalent(old)) {
                splices.push((known.value.range.clone(), Zeroizing::new(value.flow())));
            }
        } else {
            let column = column(outline.text, mapping.range.start);
            let text = format!("{:column$}{name}: {}", "", value.flow());
            let offset = line_after(outline.text, mapping.range.end, column);
            splices.push(line_at(outline, offset, &text, eol));
        }
    }
    splices
}

/// Adds entries to the mapping that is the value of `parent`.
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
        Value::Mapping(new).write_after_name(column, eol, &mut text);
        return below(outline, parent, &text, eol);
    }
    let column = column(outline.text, mapping.range.start);
    let mut splices = Vec::new();
    for (name, value) in new {
        let mut text = format!("{:column$}{name}:", "");
        value.write_after_name(column, eol, &mut text);
        // `enabled` comes first, where it is not overlooked.
        let offset = if name == "enabled" {
            line_after(outline.text, colon_after(outline.text, &parent.key), usize::MAX)
        } else {
            line_after(outline.text, mapping.range.end, column)
        };
        splices.push(line_at(outline, offset, &text, eol));
    }
    splices
}

/// Adds items to the list that is the value of `parent`.
fn items(outline: &Outline<'_>, parent: &Entry<'_>, new: Vec<Item>, eol: &str) -> Vec<Splice> {
    let list = &parent.value;
    if list.is_empty() {
        let column = column(outline.text, parent.key.range.start);
        let mut text = String::new();
        Value::List(new).write_after_name(column, eol, &mut text);
        return below(outline, parent, &text, eol);
    }
    let column = column(outline.text, list.range.start);
    let offset = line_after(outline.text, list.range.end, column);
    let mut splices = Vec::new();
    for item in new {
        let mut text = String::new();
        item.write(column, eol, &mut text);
        splices.push(line_at(outline, offset, &text, eol));
    }
    splices
}

/// Adds lines below an entry with an empty value, whose brackets or `null` are removed.
fn below(outline: &Outline<'_>, parent: &Entry<'_>, lines: &str, eol: &str) -> Vec<Splice> {
    let empty = &parent.value.range;
    let offset = line_after(outline.text, empty.end, usize::MAX);
    let lines = lines.strip_prefix(eol).unwrap_or(lines);
    let removed = with_blanks_before(outline.text, empty);
    vec![(removed, Zeroizing::default()), line_at(outline, offset, lines, eol)]
}

/// Returns the range of an empty value with the blanks before it, or its whole line if that has nothing else.
fn with_blanks_before(text: &str, empty: &Range<usize>) -> Range<usize> {
    let start = text[..empty.start].trim_end_matches([' ', '\t']).len();
    let rest = text[empty.end..].split_inclusive('\n').next().unwrap_or_default();
    let alone = begins_line(text, start) && rest.trim().is_empty() && !empty.is_empty();
    start..if alone { empty.end + rest.len() } else { empty.end }
}

/// Inserts one or more lines at the start of a line.
fn line_at(outline: &Outline<'_>, offset: usize, line: &str, eol: &str) -> Splice {
    let begins = begins_line(outline.text, offset);
    let line = if begins { format!("{line}{eol}") } else { format!("{eol}{line}") };
    (offset..offset, Zeroizing::new(line))
}

fn begins_line(text: &str, offset: usize) -> bool {
    matches!(text[..offset].chars().next_back(), None | Some('\n' | '\u{feff}'))
}

/// Returns the start of the line after an offset, past comments that are indented to this column or deeper.
fn line_after(text: &str, offset: usize, column: usize) -> usize {
    let next = |offset: usize| text[offset..].find('\n').map_or(text.len(), |end| offset + end + 1);
    let mut offset = next(offset);
    loop {
        let line = &text[offset..next(offset)];
        let blanks = line.len() - line.trim_start_matches(' ').len();
        if blanks < column || !line[blanks..].starts_with('#') {
            return offset;
        }
        offset += line.len();
    }
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |end| end + 1)
}

/// Returns the offset of the colon after a key. For an explicit key (`? name`), it is on a later line.
fn colon_after(text: &str, key: &Piece<'_>) -> usize {
    let mut offset = key.range.end;
    loop {
        let rest = text[offset..].trim_start();
        offset = text.len() - rest.len();
        if !rest.starts_with('#') {
            return offset;
        }
        offset += rest.find('\n').unwrap_or(rest.len());
    }
}

fn column(text: &str, offset: usize) -> usize {
    let line = &text[line_start(text, offset)..offset];
    line.trim_start_matches('\u{feff}').chars().count()
}
