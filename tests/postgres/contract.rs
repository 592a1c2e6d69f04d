//! The public suites.

use std::fmt::Write as _;
use std::time::UNIX_EPOCH;

use keygate::testing::{Violation, manage_contract, store_contract};
use keygate::{ClientProfile, KeyRecord, KeyState, PostgresStore, Quota, Rate};

use crate::servers::{Database, Postgres};
use crate::{made, with_clock};

#[tokio::test]
async fn lookups_keep_the_contract() -> Result<(), Violation> {
    store_contract(async |records| {
        let database = Postgres::shared().database();
        let store = made(&database).await;
        fill(&database, &records);
        store
    })
    .await
}

#[tokio::test]
async fn lookups_over_many_connections_keep_the_contract() -> Result<(), Violation> {
    store_contract(async |records| {
        let database = Postgres::shared().database();
        let options = PostgresStore::options(&database.url()).unwrap().max_connections(8);
        let store = options.migrate().await.unwrap();
        fill(&database, &records);
        store
    })
    .await
}

#[tokio::test]
async fn managing_keeps_the_contract() -> Result<(), Violation> {
    manage_contract(async |clock| with_clock(made(&Postgres::shared().database()).await, clock))
        .await
}

#[tokio::test]
async fn managing_over_many_connections_keeps_the_contract() -> Result<(), Violation> {
    manage_contract(async |clock| {
        let database = Postgres::shared().database();
        let options = PostgresStore::options(&database.url()).unwrap().max_connections(4);
        with_clock(options.migrate().await.unwrap(), clock)
    })
    .await
}

/// Writes the records as a hand would.
fn fill(database: &Database<'_>, records: &[KeyRecord]) {
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
            let micros = expires.duration_since(UNIX_EPOCH).unwrap().as_micros();
            format!("'epoch'::timestamptz + interval '1 microsecond' * {micros}")
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
