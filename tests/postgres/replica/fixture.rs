//! Helpers for tests of replicas.

use std::time::{Duration, Instant};

use keygate::key::KeyState;
use keygate::store::{DatabaseError, PostgresStore, Replica};
use keygate::{KeyDigest, KeyId, KeyRecord, LocalKeyStore as _};
use tokio::time::sleep;

use crate::servers::Database;

const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Creates the tables.
pub(crate) async fn migrate(url: &str) {
    let since = Instant::now();
    // Connecting may be slow on a busy machine.
    while let Err(error) = PostgresStore::migrate(url).await {
        assert!(since.elapsed() < PATIENCE, "{error}");
    }
}

pub(crate) async fn replica_with_keys(database: &Database<'_>, keys: u32) -> Replica {
    migrate(&database.url()).await;
    database.psql(&issue(0, keys, "User 1"));
    connect(&database.url()).await.unwrap()
}

pub(crate) async fn connect(url: &str) -> Result<Replica, DatabaseError> {
    let connect = tokio::time::timeout(PATIENCE, Replica::connect(url));
    connect.await.expect("a replica is ready in time, or says why it is not")
}

/// Returns the statements that issue keys with these numbers to a client, and add the client if needed.
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

/// Returns the condition for the key with this number.
pub(crate) fn at(number: u32) -> String {
    format!("where digest = sha256('key {number}')")
}

pub(crate) fn revoke(number: u32) -> String {
    format!("update keygate.keys set revoked = now() {}", at(number))
}

/// The outcome of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Found(KeyState, String),
    Unknown,
    Unavailable,
}

pub(crate) fn request(replica: &Replica, number: u32) -> Response {
    match replica.find(&digest(number)) {
        Ok(Some(record)) => Response::Found(record.state(), record.profile().name().to_owned()),
        Ok(None) => Response::Unknown,
        Err(_) => Response::Unavailable,
    }
}

pub(crate) fn is_active(replica: &Replica, number: u32) -> bool {
    matches!(request(replica, number), Response::Found(KeyState::Active, _))
}

pub(crate) fn is_revoked(replica: &Replica, number: u32) -> bool {
    matches!(request(replica, number), Response::Found(KeyState::Revoked, _))
}
