//! The suites for all stores.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use keygate::key::KeyState;
use keygate::manage::{BoxFuture, ClientInfo, KeyInfo, ManageError, Rotated};
use keygate::store::SqliteStore;
use keygate::testing::{FakeClock, Violation, manage_contract, store_contract};
use keygate::{ClientProfile, KeyDigest, KeyId, KeyRecord, KeyStore, Lookup, ManageKeys, NewKey};

use crate::fixture::Folder;

/// A store of these records, issued before all of them expire.
async fn filled(folder: &Folder, records: Vec<KeyRecord>) -> SqliteStore {
    let store = SqliteStore::migrate(fresh(folder)).await.unwrap();
    let early = store.clone().with_clock(|| UNIX_EPOCH - Duration::from_secs(1));
    for record in &records {
        match early.add_client(record.profile().clone()).await {
            Ok(_) | Err(ManageError::ClientExists { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let key = NewKey::new(record.digest()).with_expiry(record.expires());
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
    store
}

#[tokio::test]
async fn sqlite_store_keeps_the_contract() -> Result<(), Violation> {
    let folder = Folder::new();
    store_contract(async |records| filled(&folder, records).await).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_store_keeps_the_contract_in_threads() -> Result<(), Violation> {
    let folder = Folder::new();
    store_contract(async |records| filled(&folder, records).await).await
}

/// A database under a name of its own: connections of an earlier one may still be closing.
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
async fn sqlite_store_can_be_managed() -> Result<(), Violation> {
    let folder = Folder::new();
    manage_contract(async |clock| timed(empty(&folder).await, &clock)).await
}

/// Two stores with connections of their own on one file: one is changed, and the other is asked and
/// listed.
struct Pair {
    changed: SqliteStore,
    asked: SqliteStore,
}

impl KeyStore for Pair {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        self.asked.lookup(digest)
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, ManageError>>;

impl ManageKeys for Pair {
    fn add_client(&self, profile: ClientProfile) -> Answer<'_, ClientInfo> {
        self.changed.add_client(profile)
    }

    fn enable_client<'a>(&'a self, name: &'a str) -> Answer<'a, ClientInfo> {
        self.asked.enable_client(name)
    }

    fn disable_client<'a>(&'a self, name: &'a str) -> Answer<'a, ClientInfo> {
        self.changed.disable_client(name)
    }

    fn remove_client<'a>(&'a self, name: &'a str) -> Answer<'a, ClientInfo> {
        self.changed.remove_client(name)
    }

    fn list_clients(&self) -> Answer<'_, Vec<ClientInfo>> {
        self.asked.list_clients()
    }

    fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> Answer<'a, KeyInfo> {
        self.changed.issue(client, key)
    }

    fn revoke<'a>(&'a self, key_id: &'a KeyId) -> Answer<'a, KeyInfo> {
        self.changed.revoke(key_id)
    }

    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: Duration,
    ) -> Answer<'a, Rotated> {
        self.asked.rotate(key_id, successor, grace)
    }

    fn list_keys<'a>(&'a self, client: Option<&'a str>) -> Answer<'a, Vec<KeyInfo>> {
        self.asked.list_keys(client)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_file_see_each_others_changes() -> Result<(), Violation> {
    let folder = Folder::new();
    manage_contract(async |clock| {
        let path = fresh(&folder);
        let changed = timed(SqliteStore::migrate(&path).await.unwrap(), &clock);
        let asked = SqliteStore::open(&path).await.unwrap();
        Pair { changed, asked: timed(asked, &clock) }
    })
    .await
}
