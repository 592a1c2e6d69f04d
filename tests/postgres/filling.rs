//! Fills a PostgreSQL database with the records of the public suite.

use std::fmt::Write as _;
use std::time::UNIX_EPOCH;

use keygate::client::Rate;
use keygate::key::KeyState;
use keygate::{ClientProfile, KeyRecord, Quota};

use crate::servers::Database;

/// Writes the records with SQL.
pub(crate) fn fill(database: &Database<'_>, records: &[KeyRecord]) {
    let mut sql = String::new();
    for record in records {
        let (profile, digest) = (record.profile(), record.digest().to_text());
        let name = quoted(profile.name());
        let enabled = record.state() != KeyState::Disabled;
        let (scopes, quota, metadata) = columns(profile);
        writeln!(
            sql,
            "insert into keygate.clients (name, scopes, quota, metadata) \
             values ({name}, {scopes}, {quota}, {metadata}) on conflict do nothing;"
        )
        .unwrap();
        if !enabled {
            writeln!(sql, "update keygate.clients set enabled = false where name = {name};")
                .unwrap();
        }
        let expires = record.expires().map_or("null".to_owned(), |expires| {
            let since = expires.duration_since(UNIX_EPOCH).unwrap();
            let (seconds, micros) = (since.as_secs(), since.subsec_micros());
            // The server multiplies in floating point, which cannot represent both.
            format!("'epoch'::timestamptz + interval '1s' * {seconds} + interval '1us' * {micros}")
        });
        let revoked = if record.state() == KeyState::Revoked { "now()" } else { "null" };
        let digest = digest.trim_start_matches("sha256:");
        writeln!(
            sql,
            "insert into keygate.keys (digest, client, expires, revoked) \
             values ('\\x{digest}', {name}, {expires}, {revoked});"
        )
        .unwrap();
    }
    database.psql(&sql);
}

fn columns(profile: &ClientProfile) -> (String, String, String) {
    let scopes = profile.scopes().iter().map(|scope| format!("\"{scope}\"")).collect::<Vec<_>>();
    let quota = profile.quota().map_or("null".to_owned(), |quota| quoted(&quota_text(quota)));
    let metadata = serde_json::to_string(profile.metadata()).unwrap();
    (format!("'{{{}}}'", scopes.join(",")), quota, quoted(&metadata))
}

fn quota_text(quota: &Quota) -> String {
    let rate = |rate: &Rate| {
        let text = format!("{}/{}", rate.count(), format!("{:?}", rate.per()).to_lowercase());
        serde_json::json!({ "rate": text, "burst": rate.burst() })
    };
    match quota.rates() {
        [] => "\"unlimited\"".to_owned(),
        rates => rates.iter().map(rate).collect::<serde_json::Value>().to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
