use csv::{ReaderBuilder, StringRecord};

use super::draft::{Draft, Entry};
use super::secret::{self, Secret};
use super::{Fault, state};

/// A column, with its names in common exports.
#[derive(Clone, Copy, PartialEq)]
enum Column {
    Client,
    Key,
    Digest,
    Label,
    Created,
    Expires,
    Scopes,
    Other,
}

fn column(heading: &str) -> Column {
    match heading.trim().to_ascii_lowercase().as_str() {
        "client" | "name" | "username" | "user" | "owner" => Column::Client,
        "key" | "api_key" | "apikey" | "token" | "secret" => Column::Key,
        "digest" | "sha256" | "hash" | "key_hash" => Column::Digest,
        "label" | "description" => Column::Label,
        "created" | "created_at" => Column::Created,
        "expires" | "expires_at" | "expiry" => Column::Expires,
        "scopes" | "scope" => Column::Scopes,
        _ => Column::Other,
    }
}

/// Parses rows with a header, or one key per line for the client from the command line.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut rows = reader.records();
    let Some(first) = rows.next() else { return Ok(()) };
    let first = first.map_err(|error| fault(&error))?;
    let columns: Vec<_> = first.iter().map(column).collect();
    let has = |wanted| columns.contains(&wanted);
    if has(Column::Key) || has(Column::Digest) {
        for (heading, _) in
            first.iter().zip(&columns).filter(|(_, column)| **column == Column::Other)
        {
            draft.setting(&format!("the column {heading}"));
        }
        for row in rows {
            let row = row.map_err(|error| fault(&error))?;
            let mut fields = first.iter().zip(&row);
            if fields.any(|(heading, cell)| state::is_off(heading, cell)) {
                draft.leave_out(place(&row), state::REASON);
            } else {
                read_row(&row, &columns, draft);
            }
        }
        return Ok(());
    }
    if first.len() > 1 {
        let why =
            "the first line must name the columns, such as name,key,expires,scopes".to_owned();
        return Err(Fault { at: "1:1".to_owned(), why });
    }
    draft.add(Entry::new("1:1", None, Secret::plain(&first[0])));
    for row in rows {
        let row = row.map_err(|error| fault(&error))?;
        draft.add(Entry::new(place(&row), None, Secret::plain(&row[0])));
    }
    Ok(())
}

fn read_row(row: &StringRecord, columns: &[Column], draft: &mut Draft) {
    let cell = |wanted| {
        let found = columns.iter().zip(row).find(|(column, _)| **column == wanted);
        found.map(|(_, text)| text).filter(|text| !text.is_empty())
    };
    let place = place(row);
    let secret = match secret::of_fields(cell(Column::Key), cell(Column::Digest)) {
        Ok(Some(secret)) => secret,
        Ok(None) => return draft.leave_out(place, "the row has no key"),
        Err(why) => return draft.leave_out(place, why),
    };
    let client = cell(Column::Client);
    let mut entry = Entry::new(place.clone(), client, secret);
    entry.label = cell(Column::Label);
    for (column, time) in
        [(Column::Created, &mut entry.created), (Column::Expires, &mut entry.expires)]
    {
        let Some(text) = cell(column) else { continue };
        match secret::time(text, false) {
            Ok(found) => *time = Some(found),
            Err(why) => return draft.fault(place, &why),
        }
    }
    draft.add(entry);
    let client = client.filter(|client| draft.clients.contains_key(*client));
    if let (Some(client), Some(scopes)) = (client, cell(Column::Scopes)) {
        for scope in scopes.split([' ', ';', '|']).filter(|scope| !scope.is_empty()) {
            draft.add_scope(&place, client, scope);
        }
    }
}

fn place(row: &StringRecord) -> String {
    row.position().map_or_else(String::new, |position| format!("line {}", position.line()))
}

/// Describes an error without the parser's message, which may quote a key.
fn fault(error: &csv::Error) -> Fault {
    let at = error.position().map(|position| format!("line {}", position.line()));
    let why = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} columns, but the first line has {expected_len}")
        }
        _ => "this is not valid CSV".to_owned(),
    };
    Fault { at: at.unwrap_or_default(), why }
}
