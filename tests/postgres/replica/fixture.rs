//! What the tests ask of a replica and its database.

use std::time::{Duration, Instant};

use keygate::key::KeyState;
use keygate::store::{DatabaseError, PostgresStore, Replica};
use keygate::{KeyDigest, KeyId, KeyRecord, LocalKeyStore as _};
use tokio::time::sleep;

use crate::servers::Database;

const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until this is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Makes the tables.
pub(crate) async fn migrate(url: &str) {
    let since = Instant::now();
    // A busy machine may be late to make a connection.
    while let Err(error) = PostgresStore::migrate(url).await {
        assert!(since.elapsed() < PATIENCE, "{error}");
    }
}

pub(crate) async fn filled(database: &Database<'_>, keys: u32) -> Replica {
    migrate(&database.url()).await;
    database.psql(&issue(0, keys, "User 1"));
    connect(&database.url()).await.unwrap()
}

pub(crate) async fn connect(url: &str) -> Result<Replica, DatabaseError> {
    let connect = tokio::time::timeout(PATIENCE, Replica::connect(url));
    connect.await.expect("a replica is ready in time, or says why it is not")
}

/// The statements that issue the keys of these numbers to a client, which is added where it is missing.
pub(crate) fn issue(first: u32, end: u32, client: &str) -> String {
    format!(
        "insert into keygate.clients (name) values ('{client}') on conflict do nothing;
        insert into keygate.keys (digest, client)
        select sha256(convert_to('key ' || n, 'UTF8')), '{client}'
        from generate_series({first}, {end} - 1) n;"
    )
}

pub(crate) fn digest(number: u32) -> KeyDigest {
    KeyDigest::of(format!("key {number}").as_bytes())
}

pub(crate) fn key_id(number: u32) -> KeyId {
    KeyRecord::new(digest(number), "").key_id()
}

/// `where` this is the key of that number.
pub(crate) fn at(number: u32) -> String {
    format!("where digest = sha256('key {number}')")
}

pub(crate) fn revoke(number: u32) -> String {
    format!("update keygate.keys set revoked = now() {}", at(number))
}

/// What a request with a key would meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Found(KeyState, String),
    Unknown,
    Unavailable,
}

pub(crate) fn ask(replica: &Replica, number: u32) -> Answer {
    match replica.find(&digest(number)) {
        Ok(Some(record)) => Answer::Found(record.state(), record.profile().name().to_owned()),
        Ok(None) => Answer::Unknown,
        Err(_) => Answer::Unavailable,
    }
}

pub(crate) fn is_active(replica: &Replica, number: u32) -> bool {
    matches!(ask(replica, number), Answer::Found(KeyState::Active, _))
}

pub(crate) fn is_revoked(replica: &Replica, number: u32) -> bool {
    matches!(ask(replica, number), Answer::Found(KeyState::Revoked, _))
}
