//! `PostgresStore` on real servers.

mod bad_input;
mod collations;
mod commits;
mod contract;
mod event_pages;
mod events;
mod facts;
mod far;
mod grants;
mod invalid_rows;
mod libpq;
mod many_keys;
mod migrations;
mod outages;
mod owners;
mod passwords;
mod plans;
mod purging;
mod read_back;
mod rotation;
mod row_security;
mod search_path;
mod sequences;
mod standbys;
mod tables;
mod timeouts;
mod tls;
mod trips;

use std::time::Duration;

use crate::servers::Database;
use keygate::store::{PostgresOptions, PostgresStore};
use keygate::{AuthError, Authenticator, Client, KeyDigest, KeyId, ManageKeys as _, NewKey};

const PATIENCE: Duration = Duration::from_secs(60);

/// A valid key.
const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
const OTHER_KEY: &str = "ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM";

/// A store in an empty database.
async fn migrated(database: &Database<'_>) -> PostgresStore {
    options(&database.url()).migrate().await.unwrap()
}

/// Options with a deadline for a loaded machine.
fn options(url: &str) -> PostgresOptions {
    PostgresStore::options(url).unwrap().with_lookup_deadline(PATIENCE)
}

/// A store with the client `App 1` and its key [`KEY`].
async fn store_with_key(database: &Database<'_>) -> PostgresStore {
    let store = migrated(database).await;
    store.add_client("App 1".into()).await.unwrap();
    issue(&store, KEY).await;
    store
}

async fn issue(store: &PostgresStore, key: &str) -> KeyId {
    let key = NewKey::new(KeyDigest::of(key.as_bytes()));
    store.issue("App 1", key).await.unwrap().key_id
}

/// Authenticates a request with this key.
async fn request(store: &PostgresStore, key: &str) -> Result<Client, AuthError> {
    let authenticator = Authenticator::new(store.clone()).with_deadline(PATIENCE);
    authenticator.authenticate_key(key.as_bytes()).await
}
