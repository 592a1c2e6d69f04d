use std::process::ExitCode;
use std::time::SystemTime;

use keygate::manage::{Audit, AuditFinding};
use serde_json::json;

use crate::args::{AuditArgs, Globals};
use crate::failure::Failure;
use crate::history::{Watched, add_last_uses, remedy};
use crate::location::Location;
use crate::output::Output;
use crate::runtime::block_on;
use crate::show;
use crate::store::open;
use crate::table::Table;

pub(super) fn run(args: &AuditArgs, globals: &Globals, out: &Output) -> Result<ExitCode, Failure> {
    let now = SystemTime::now();
    let store = open(globals, out)?;
    let clients = block_on(store.list_readable_clients())?;
    let mut keys = block_on(store.list_readable_keys(None))?;
    let watched = add_last_uses(&mut keys.found, None, globals, out)?;

    let policy = block_on(store.policy())?;
    let audit = Audit::new()
        .with_policy(policy)
        .with_unused_for(args.unused_for)
        .with_watched(watched.as_ref().and_then(Watched::watched))
        .with_file(in_file(globals)?);
    let findings = audit.findings(&clients.found, &keys.found, now);
    if findings.is_empty() && !out.is_json() {
        out.note("no findings");
    } else {
        out.print(&table(&findings), &json!(findings))?;
    }
    match &watched {
        None => out.note(&format!(
            "the last use of keys was not checked, since it is unknown: {}",
            remedy(globals)
        )),
        watched => show::watched(watched.as_ref(), out),
    }
    show::unreadable(&[clients.unreadable, keys.unreadable].concat(), out)?;
    Ok(ExitCode::from(u8::from(!findings.is_empty())))
}

/// Finds weak and plaintext keys.
fn in_file(globals: &Globals) -> Result<Vec<AuditFinding>, Failure> {
    let location = globals.location()?;
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        expect(irrefutable_let_patterns, reason = "databases are other locations")
    )]
    let Location::File(path) = &location else { return Ok(Vec::new()) };
    Ok(globals.options(path).lint(path).findings())
}

fn table(findings: &[AuditFinding]) -> String {
    let mut table = Table::new(["CLIENT", "KEY", "LABEL", "FINDING"]);
    for finding in findings {
        let AuditFinding { client, key_id, label, place, .. } = finding;
        table.push([
            client.as_deref().or(place.as_deref()).unwrap_or_default().into(),
            key_id.map(|key_id| key_id.to_string()).unwrap_or_default().into(),
            label.as_deref().unwrap_or_default().into(),
            finding.message().into(),
        ]);
    }
    table.without_empty([1, 2]).render()
}
