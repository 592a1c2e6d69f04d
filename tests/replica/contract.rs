//! The contract of all stores.

use std::fmt::Write as _;
use std::time::UNIX_EPOCH;

use keygate::testing::{Violation, store_contract};
use keygate::{KeyRecord, KeyState, Replica};

use crate::servers::Postgres;
use crate::stage::{connect, migrate};

/// The statements that file these records; a client is disabled with its first disabled key.
fn file(records: &[KeyRecord]) -> String {
    let mut sql = String::new();
    for record in records {
        let profile = record.profile();
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let scopes = profile.scopes().iter().map(ToString::to_string).collect::<Vec<_>>();
        let metadata = serde_json::to_string(profile.metadata()).unwrap();
        let quota = profile.quota().map_or("null".to_owned(), |quota| {
            quoted(&serde_json::to_string(&quota.to_string()).unwrap())
        });
        let _ = quota;
        writeln!(
            sql,
            "insert into keygate.clients (name, scopes, metadata) values ({}, {}, {})
                on conflict do nothing;",
            quoted(profile.name()),
            quoted(&format!("{{{}}}", scopes.join(","))),
            quoted(&metadata),
        )
        .unwrap();
        let digest = record.digest().to_text();
        let expires = record.expires().map_or("null".to_owned(), |expires| {
            let since = expires.duration_since(UNIX_EPOCH).unwrap();
            format!("'1970-01-01Z'::timestamptz + interval '{} us'", since.as_micros())
        });
        let revoked = if record.state() == KeyState::Revoked { "now()" } else { "null" };
        let (_, hex) = digest.split_once(':').unwrap();
        writeln!(
            sql,
            "insert into keygate.keys (digest, client, expires, revoked)
                values ('\\x{hex}', {}, {expires}, {revoked});",
            quoted(profile.name()),
        )
        .unwrap();
    }
    sql
}

#[tokio::test]
#[ignore = "until import fills databases"]
async fn replica_is_a_store() -> Result<(), Violation> {
    store_contract(async |records| -> Replica {
        let database = Postgres::shared().database();
        migrate(&database.url()).await;
        database.psql(&file(&records));
        connect(&database.url()).await.unwrap()
    })
    .await
}
