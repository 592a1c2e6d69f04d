//! `PostgresStore` on real servers.

mod bad_input;
mod bad_rows;
mod collations;
mod commits;
mod contract;
mod events;
mod far;
mod grants;
mod libpq;
mod many_keys;
mod migrations;
mod outages;
mod owners;
mod passwords;
mod rotation;
mod row_security;
mod search_path;
mod sequences;
mod standbys;
mod swallowed;
mod tables;
mod tls;
mod trips;

use std::time::Duration;

use crate::servers::Database;
use keygate::store::{PostgresOptions, PostgresStore};
use keygate::{AuthError, Authenticator, Client, KeyDigest, KeyId, ManageKeys as _, NewKey};

const PATIENCE: Duration = Duration::from_secs(60);

/// A fair key that no test but those of one database knows.
const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
const OTHER_KEY: &str = "ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM";

/// A store in a database that was empty.
async fn made(database: &Database<'_>) -> PostgresStore {
    patient(&database.url()).migrate().await.unwrap()
}

/// Ways to connect that no loaded machine is too slow for.
fn patient(url: &str) -> PostgresOptions {
    PostgresStore::options(url).unwrap().lookup_deadline(PATIENCE)
}

/// A store with [`KEY`] of the client `App 1`.
async fn filled(database: &Database<'_>) -> PostgresStore {
    let store = made(database).await;
    store.add_client("App 1".into()).await.unwrap();
    issue(&store, KEY).await;
    store
}

async fn issue(store: &PostgresStore, key: &str) -> KeyId {
    let key = NewKey::new(KeyDigest::of(key.as_bytes()));
    store.issue("App 1", key).await.unwrap().key_id
}

/// What a caller with this key meets.
async fn ask(store: &PostgresStore, key: &str) -> Result<Client, AuthError> {
    let authenticator = Authenticator::new(store.clone()).with_deadline(PATIENCE);
    authenticator.authenticate_key(key.as_bytes()).await
}
