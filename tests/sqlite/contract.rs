//! The test suites for all stores.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use keygate::key::KeyState;
use keygate::manage::{
    BoxFuture, ClientChange, ClientInfo, KeyChange, KeyInfo, ManageError, Policy, PolicyChange,
    PurgeKeys, Rotated, Version,
};
use keygate::store::SqliteStore;
use keygate::testing::{FakeClock, manage_contract, store_contract};
use keygate::{ClientProfile, KeyDigest, KeyId, KeyRecord, KeyStore, Lookup, ManageKeys, NewKey};

use crate::fixture::{Folder, sqlite3};

/// A store with these records. They are issued before any of them expires.
async fn filled(folder: &Folder, records: Vec<KeyRecord>) -> SqliteStore {
    let path = fresh(folder);
    let store = SqliteStore::migrate(&path).await.unwrap();
    let early = store.clone().with_clock(|| UNIX_EPOCH - Duration::from_secs(1));
    for record in &records {
        match early.add_client(record.profile().clone()).await {
            Ok(_) | Err(ManageError::ClientExists { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let key = NewKey::new(record.digest())
            .with_expiry(record.expires())
            .with_not_before(record.lifetime().not_before())
            .with_scopes(record.scopes().to_vec())
            .with_networks(record.networks().to_vec());
        early.issue(record.profile().name(), key).await.unwrap();
    }
    for record in &records {
        match record.state() {
            KeyState::Revoked => _ = early.revoke(&record.key_id()).await.unwrap(),
            KeyState::Disabled => {
                early.disable_client(record.profile().name()).await.unwrap();
            }
            _ => {}
        }
    }
    // A rotation would add the successor, and end the old key.
    for record in records.iter().filter(|record| record.is_replaced()) {
        let (id, successor) = (record.key_id(), "1f0c2b7a9d3e4c58");
        let replace = "update keygate_keys set replaced_by";
        sqlite3(&path, &format!("{replace} = '{successor}' where key_id = '{id}'"));
    }
    store
}

#[tokio::test]
async fn sqlite_store_keeps_the_contract() {
    let folder = Folder::new();
    store_contract(async |records| filled(&folder, records).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_store_keeps_the_contract_in_threads() {
    let folder = Folder::new();
    store_contract(async |records| filled(&folder, records).await).await;
}

/// A database with a unique name: connections to an earlier one may still be closing.
fn fresh(folder: &Folder) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    folder.path().join(format!("{}.db", NUMBER.fetch_add(1, Ordering::Relaxed)))
}

async fn empty(folder: &Folder) -> SqliteStore {
    SqliteStore::migrate(fresh(folder)).await.unwrap()
}

fn timed(store: SqliteStore, clock: &FakeClock) -> SqliteStore {
    store.with_clock(clock.reader())
}

#[tokio::test]
async fn sqlite_store_can_be_managed() {
    let folder = Folder::new();
    manage_contract(async |clock| timed(empty(&folder).await, &clock)).await;
}

/// Two stores on one file: one makes the changes, and the other looks up and lists.
struct Pair {
    changing: SqliteStore,
    reading: SqliteStore,
}

impl KeyStore for Pair {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        self.reading.lookup(digest)
    }
}

type Managing<'a, T> = BoxFuture<'a, Result<T, ManageError>>;

impl ManageKeys for Pair {
    fn for_actor(&self, actor: &str) -> Result<Box<dyn ManageKeys>, ManageError> {
        let [changing, reading] = [&self.changing, &self.reading].map(|it| it.for_actor(actor));
        Ok(Box::new(Self { changing: changing?, reading: reading? }))
    }

    fn if_version(&self, version: Version) -> Box<dyn ManageKeys> {
        let [changing, reading] = [&self.changing, &self.reading].map(|it| it.if_version(version));
        Box::new(Self { changing, reading })
    }

    fn add_client(&self, profile: ClientProfile) -> Managing<'_, ClientInfo> {
        self.changing.add_client(profile)
    }

    fn update_client<'a>(
        &'a self,
        name: &'a str,
        change: ClientChange,
    ) -> Managing<'a, ClientInfo> {
        self.changing.update_client(name, change)
    }

    fn enable_client<'a>(&'a self, name: &'a str) -> Managing<'a, ClientInfo> {
        self.reading.enable_client(name)
    }

    fn disable_client<'a>(&'a self, name: &'a str) -> Managing<'a, ClientInfo> {
        self.changing.disable_client(name)
    }

    fn remove_client<'a>(&'a self, name: &'a str) -> Managing<'a, ClientInfo> {
        self.changing.remove_client(name)
    }

    fn list_clients(&self) -> Managing<'_, Vec<ClientInfo>> {
        self.reading.list_clients()
    }

    fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> Managing<'a, KeyInfo> {
        self.changing.issue(client, key)
    }

    fn update_key<'a>(&'a self, key_id: &'a KeyId, change: KeyChange) -> Managing<'a, KeyInfo> {
        self.changing.update_key(key_id, change)
    }

    fn revoke<'a>(&'a self, key_id: &'a KeyId) -> Managing<'a, KeyInfo> {
        self.changing.revoke(key_id)
    }

    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> Managing<'a, Rotated> {
        self.reading.rotate(key_id, successor, grace)
    }

    fn purge_keys<'a>(&'a self, purge: &'a PurgeKeys) -> Managing<'a, Vec<KeyInfo>> {
        self.changing.purge_keys(purge)
    }

    fn policy(&self) -> Managing<'_, Policy> {
        self.reading.policy()
    }

    fn update_policy(&self, change: PolicyChange) -> Managing<'_, Policy> {
        self.changing.update_policy(change)
    }

    fn list_keys<'a>(&'a self, client: Option<&'a str>) -> Managing<'a, Vec<KeyInfo>> {
        self.reading.list_keys(client)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_file_see_each_others_changes() {
    let folder = Folder::new();
    manage_contract(async |clock| {
        let path = fresh(&folder);
        let changing = timed(SqliteStore::migrate(&path).await.unwrap(), &clock);
        let reading = SqliteStore::open(&path).await.unwrap();
        Pair { changing, reading: timed(reading, &clock) }
    })
    .await;
}
