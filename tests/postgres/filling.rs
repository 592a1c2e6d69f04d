//! Fills a PostgreSQL database with the records of the public suite.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

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
        let title = profile.title().map_or("null".to_owned(), quoted);
        let networks = array(profile.networks());
        writeln!(
            sql,
            "insert into keygate.clients (name, title, scopes, networks, quota, metadata) \
             values ({name}, {title}, {scopes}, {networks}, {quota}, {metadata}) \
             on conflict do nothing;"
        )
        .unwrap();
        if !enabled {
            writeln!(sql, "update keygate.clients set enabled = false where name = {name};")
                .unwrap();
        }
        let [expires, not_before] = [record.expires(), record.lifetime().not_before()].map(time);
        let (key_scopes, key_networks) = (array(record.scopes()), array(record.networks()));
        let revoked = if record.state() == KeyState::Revoked { "now()" } else { "null" };
        let digest = digest.trim_start_matches("sha256:");
        let successor = if record.is_replaced() { "'1f0c2b7a9d3e4c58'" } else { "null" };
        writeln!(
            sql,
            "insert into keygate.keys \
             (digest, client, expires, revoked, replaced_by, not_before, scopes, networks) \
             values ('\\x{digest}', {name}, {expires}, {revoked}, {successor}, {not_before}, \
             {key_scopes}, {key_networks});"
        )
        .unwrap();
    }
    database.psql(&sql);
}

fn time(time: Option<SystemTime>) -> String {
    time.map_or("null".to_owned(), |time| {
        let since = time.duration_since(UNIX_EPOCH).unwrap();
        let (seconds, micros) = (since.as_secs(), since.subsec_micros());
        // The server multiplies in floating point, which cannot represent both.
        format!("'epoch'::timestamptz + interval '1s' * {seconds} + interval '1us' * {micros}")
    })
}

fn array(items: &[impl ToString]) -> String {
    let items = items.iter().map(|item| format!("\"{}\"", item.to_string()));
    format!("'{{{}}}'", items.collect::<Vec<_>>().join(","))
}

fn columns(profile: &ClientProfile) -> (String, String, String) {
    let quota = profile.quota().map_or("null".to_owned(), |quota| quoted(&quota_text(quota)));
    let metadata = serde_json::to_string(profile.metadata()).unwrap();
    (array(profile.scopes()), quota, quoted(&metadata))
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
