use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use keygate::manage::{Imported, TransferKeys as _};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{INTO, json as imported_json, summary, warn_of_refused};
use crate::args::{Globals, ImportArgs};
use crate::confirm::Confirmation;
use crate::failure::Failure;
use crate::foreign::{self, Draft, DraftKey, Fault, Format, Options};
use crate::location::Location;
use crate::output::Output;
use crate::relative;
use crate::runtime::block_on;
use crate::show::{counted, joined};
use crate::store::open_to_change;
use crate::table::Table;

/// The maximum file size, which is larger than any file of keys that people write or export.
const MAX_SIZE: u64 = 256 * 1024 * 1024;

/// The content of a file of another system.
pub(super) struct ForeignFile {
    path: String,
    format: Format,
    text: Zeroizing<String>,
}

/// Reads the source if it is a file of another system. Returns `None` if it is a store.
pub(super) fn open(args: &ImportArgs) -> Result<Option<ForeignFile>, Failure> {
    let location = Location::parse(&args.source).map_err(Failure::usage)?;
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        expect(irrefutable_let_patterns, reason = "databases are other locations")
    )]
    let Location::File(path) = location else {
        if has_options(args) {
            return Err(Failure::usage(
                "--format and its options work only for files of other systems",
            ));
        }
        return Ok(None);
    };
    let shown = path.display().to_string();
    // A pipe is read if its format is given. Otherwise, it is refused as a key file.
    if !has_options(args) && !path.is_file() {
        return Ok(None);
    }
    let text = match (read(&path), args.format) {
        (Ok(text), _) => text,
        // Opening the store reports the reason.
        (Err(_), None) => return Ok(None),
        (Err(why), Some(_)) => return Err(Failure::unavailable(format!("{shown} {why}"))),
    };
    let recognized = foreign::recognize(&path, &text);
    let format = match (args.format, recognized) {
        (_, Err(why)) => return Err(Failure::refused(format!("{shown}: {why}"))),
        (Some(format), _) | (None, Ok(Some(format))) => format,
        (None, Ok(None)) if has_options(args) => {
            return Err(Failure::usage(format!(
                "the format of {shown} is ambiguous: give it with --format"
            )));
        }
        (None, Ok(None)) => return Ok(None),
    };
    Ok(Some(ForeignFile { path: shown, format, text }))
}

fn has_options(args: &ImportArgs) -> bool {
    args.format.is_some()
        || args.client.is_some()
        || args.keys.is_some()
        || args.scopes_from.is_some()
}

fn read(path: &PathBuf) -> Result<Zeroizing<String>, String> {
    let mut text = Zeroizing::new(String::new());
    let read = File::open(path).and_then(|file| file.take(MAX_SIZE + 1).read_to_string(&mut text));
    match read {
        Ok(size) if size as u64 > MAX_SIZE => Err("is longer than 256 MiB: split it".to_owned()),
        Ok(_) => Ok(text),
        Err(error) => Err(format!("cannot be read ({error})")),
    }
}

pub(super) fn run(
    file: &ForeignFile,
    args: &ImportArgs,
    globals: &Globals,
    out: &Output,
) -> Result<ExitCode, Failure> {
    let confirmation = Confirmation::new(globals)?;
    let options =
        Options { client: args.client.clone(), keys: args.keys, scopes_from: args.scopes_from };
    let draft = foreign::read(file.format, &file.text, options);
    refuse_faults(file, &draft, out)?;
    let store =
        draft.store().map_err(|error| Failure::refused(format!("{}: {error}", file.path)))?;
    let export = block_on(store.export_keys())?;
    show(file, &draft, out)?;
    let clients = counted(draft.clients.len(), "client");
    let keys = counted(draft.keys.len(), "key");
    confirmation.ask(&format!("Import {clients} and {keys}?"))?;

    let into = |failure: Failure| failure.in_store(INTO);
    let store = open_to_change(globals, out).map_err(into)?;
    let imported = block_on(store.import_keys(&export)).map_err(|error| into(error.into()))?;
    warn_of_refused(&imported, out);
    out.report_change(&summary(&imported), &json(file, &draft, &imported))?;
    let is_complete = imported.is_complete() && draft.left_out.is_empty();
    Ok(ExitCode::from(u8::from(!is_complete)))
}

/// Fails if the file has any errors, so that no file is imported in part.
fn refuse_faults(file: &ForeignFile, draft: &Draft, out: &Output) -> Result<(), Failure> {
    const MAX_SHOWN: usize = 20;
    match &draft.faults[..] {
        [] => Ok(()),
        [fault] => Err(Failure::refused(format!("{}; nothing was imported", located(file, fault)))),
        faults => {
            faults.iter().take(MAX_SHOWN).for_each(|fault| out.warn(&located(file, fault)));
            let found = counted(faults.len(), "fault");
            Err(Failure::refused(format!("{} has {found}; nothing was imported", file.path)))
        }
    }
}

fn located(file: &ForeignFile, fault: &Fault) -> String {
    let blank = if fault.at.starts_with(|first: char| first.is_ascii_digit()) { "" } else { " " };
    format!("{}:{blank}{fault}", file.path)
}

fn show(file: &ForeignFile, draft: &Draft, out: &Output) -> Result<(), Failure> {
    if out.is_json() {
        return Ok(());
    }
    let now = SystemTime::now();
    let headings = ["CLIENT", "TITLE", "METADATA", "KEY", "LABEL", "SCOPES", "EXPIRES", "FROM"];
    let mut table = Table::new(headings);
    for key in &draft.keys {
        let client = draft.clients.get(&key.client);
        let expires = key.expires.map(|time| relative::from_now(time.into(), now));
        table.push([
            key.client.clone().into(),
            client.and_then(|client| client.title.clone()).unwrap_or_default().into(),
            client.map(|client| listed(client.metadata.keys())).unwrap_or_default().into(),
            key.key_id().to_string().into(),
            key.label.clone().unwrap_or_default().into(),
            client.map(|client| joined(&client.scopes)).unwrap_or_default().into(),
            expires.unwrap_or_else(|| "never".to_owned()).into(),
            key.at.clone().into(),
        ]);
    }
    out.print(&table.without_empty([1, 2, 4, 5]).render(), &Value::Null)?;
    let used = |name: &str| draft.keys.iter().any(|key| key.client == name);
    let idle: Vec<_> = draft.clients.keys().filter(|name| !used(name)).collect();
    if !idle.is_empty() {
        let clients = counted(idle.len(), "client");
        out.note(&format!("without keys: {clients} ({})", listed(idle)));
    }
    for fault in &draft.left_out {
        out.warn(&format!("left out: {}", located(file, fault)));
    }
    for (what, count) in &draft.settings {
        let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
        out.note(&format!("not imported: {what}{times}"));
    }
    let sources: Vec<_> = draft.headers.iter().filter_map(|header| source(header)).collect();
    if !sources.is_empty() {
        let sources = sources.join(" and ");
        out.note(&format!(
            "clients do not send these keys in x-api-key: configure the service with {sources}"
        ));
    }
    Ok(())
}

/// Lists the first names, and the number of further ones.
fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    const MAX_LISTED: usize = 5;
    let mut names = names.into_iter();
    let listed = names.by_ref().take(MAX_LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.count() {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

/// Returns the source for the header in which clients have sent their keys so far.
fn source(header: &str) -> Option<String> {
    match header {
        "x-api-key" => None,
        "authorization" => Some(
            "`Source::bearer()` (for bare keys, `Source::header_raw(\"authorization\")`)"
                .to_owned(),
        ),
        header => Some(format!("`Source::header(\"{header}\")`")),
    }
}

fn json(file: &ForeignFile, draft: &Draft, imported: &Imported) -> Value {
    let key = |key: &DraftKey| {
        let DraftKey { at, client, digest: _, label, created, expires } = key;
        let time = |time: &Option<keygate::key::Timestamp>| time.map(|time| time.to_string());
        json!({
            "at": at, "key_id": key.key_id(), "client": client, "label": label,
            "created": time(created), "expires": time(expires),
        })
    };
    let mut json = imported_json(imported);
    json["file"] = json!(file.path);
    json["found"] = draft.keys.iter().map(key).collect();
    json["left_out"] =
        draft.left_out.iter().map(|Fault { at, why }| json!({ "at": at, "why": why })).collect();
    json["not_taken_over"] = draft.settings.keys().map(|what| json!(what)).collect();
    json
}
