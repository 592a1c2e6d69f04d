use std::process::ExitCode;

use keygate::store::{DatabaseError, DatabaseFinding};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::location::{Location, no_tables};
use crate::output::{Output, one_line};
use crate::runtime::block_on;

/// Lists the findings, one per line, without changing anything.
pub(super) fn run(location: &Location, out: &Output) -> Result<ExitCode, Failure> {
    let findings: Result<Vec<DatabaseFinding>, DatabaseError> = match location {
        Location::File(_) => return Err(no_tables()),
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => block_on(keygate::store::SqliteStore::options(path).inspect()),
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => block_on(keygate::store::PostgresStore::options(url)?.inspect()),
    };
    let findings = findings.map_err(Failure::unavailable)?;
    if findings.is_empty() && !out.is_json() {
        out.note(&format!("no problems in {location}"));
    } else {
        let text = findings.iter().map(|finding| line(location, finding)).collect::<String>();
        out.print(&text, &findings.iter().map(json).collect())?;
    }
    Ok(ExitCode::from(u8::from(findings.iter().any(|finding| finding.is_error))))
}

fn line(location: &Location, finding: &DatabaseFinding) -> String {
    let kind = if finding.is_error { "" } else { "warning: " };
    one_line(&format!("{location}: {kind}{finding}")) + "\n"
}

fn json(finding: &DatabaseFinding) -> Value {
    json!({
        "kind": if finding.is_error { "error" } else { "warning" },
        "name": finding.name,
        "message": finding.message,
    })
}
