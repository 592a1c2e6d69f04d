use std::process::ExitCode;
use std::time::SystemTime;

use keygate::manage::{Audit, AuditFinding};
use serde_json::{Value, json};

use crate::args::{AuditArgs, Globals};
use crate::failure::Failure;
use crate::history::add_last_uses;
use crate::location::Location;
use crate::output::Output;
use crate::runtime::block_on;
use crate::show::{self, counted};
use crate::store::open;
use crate::table::Table;

/// Something that only a key file can have. A file does not name keys by their ids.
struct FileFinding {
    kind: &'static str,
    place: String,
    message: String,
}

pub(super) fn run(args: &AuditArgs, globals: &Globals, out: &Output) -> Result<ExitCode, Failure> {
    let now = SystemTime::now();
    let store = open(globals, out)?;
    let clients = block_on(store.list_readable_clients())?;
    let mut keys = block_on(store.list_readable_keys(None))?;
    let watched = add_last_uses(&mut keys.found, None, globals, out)?;

    let since = watched.as_ref().and_then(|watched| watched.since);
    let policy = block_on(store.policy())?;
    let audit =
        Audit::new().with_policy(policy).with_unused_for(args.unused_for).with_watched_since(since);
    let findings = audit.findings(&clients.found, &keys.found, now);
    let in_file = in_file(globals)?;
    let count = findings.len() + in_file.len();
    if count == 0 && !out.is_json() {
        out.note("nothing was found");
    } else {
        let json = findings.iter().map(|finding| json!(finding)).chain(in_file.iter().map(json));
        out.print(&table(&findings, &in_file), &json.collect())?;
    }
    match &watched {
        None => out.note(
            "the last use of keys is unknown, and was not checked: give --usage PATH or set KEYGATE_USAGE",
        ),
        watched => show::watched(watched.as_ref(), out),
    }
    show::unreadable(&[clients.unreadable, keys.unreadable].concat(), out)?;
    Ok(ExitCode::from(u8::from(count > 0)))
}

/// Finds weak keys and keys in plaintext.
fn in_file(globals: &Globals) -> Result<Vec<FileFinding>, Failure> {
    let location = globals.location()?;
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        expect(irrefutable_let_patterns, reason = "databases are other locations")
    )]
    let Location::File(path) = &location else { return Ok(Vec::new()) };
    let lint = globals.options(path).lint(path);
    let file = path.display().to_string();
    let weak = lint.warnings.iter().filter(|warning| warning.is_about_weak_key());
    let mut findings: Vec<_> = weak
        .map(|warning| {
            let place =
                warning.line().map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
            let message = warning.to_string();
            // The message begins with the place in full.
            let message = message.split_once(": ").map_or(&*message, |(_, message)| message);
            FileFinding { kind: "weak_key", place, message: message.to_owned() }
        })
        .collect();
    if lint.plaintext_keys > 0 {
        let keys = counted(lint.plaintext_keys, "key");
        let message = format!("holds {keys} in plaintext: `keygate hash` turns them into digests");
        findings.push(FileFinding { kind: "plaintext", place: file, message });
    }
    Ok(findings)
}

fn table(findings: &[AuditFinding], in_file: &[FileFinding]) -> String {
    let mut table = Table::new(["CLIENT", "KEY", "LABEL", "FINDING"]);
    for finding in findings {
        table.push([
            finding.client.as_str().into(),
            finding.key_id.map(|key_id| key_id.to_string()).unwrap_or_default().into(),
            finding.label.as_deref().unwrap_or_default().into(),
            finding.kind.to_string().into(),
        ]);
    }
    for FileFinding { kind: _, place, message } in in_file {
        table.push([place.as_str().into(), "".into(), "".into(), message.as_str().into()]);
    }
    table.without_empty([1, 2]).render()
}

fn json(finding: &FileFinding) -> Value {
    let FileFinding { kind, place, message } = finding;
    json!({
        "kind": kind,
        "client": null,
        "key_id": null,
        "label": null,
        "place": place,
        "message": message,
    })
}
