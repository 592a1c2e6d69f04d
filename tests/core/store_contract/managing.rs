//! The contract of stores that manage keys, run against stores that keep it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use keygate::manage::{BoxFuture, ClientInfo, KeyInfo, ManageError, Rotated};
use keygate::testing::{FakeClock, Violation, manage_contract};
use keygate::{
    ClientProfile, KeyDigest, KeyId, KeyStore, Lookup, ManageKeys, MemoryStore, NewKey, YamlStore,
};

use crate::store_contract::naive::{Naive, Right};

fn memory(clock: &FakeClock) -> MemoryStore {
    MemoryStore::new().with_clock(clock.reader())
}

#[tokio::test]
async fn memory_store_can_be_managed() -> Result<(), Violation> {
    manage_contract(async |clock| memory(&clock)).await
}

/// A store on a new file that starts with this text.
fn yaml(clock: &FakeClock, text: &str) -> YamlStore {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("managed {number}.yml"));
    fs::write(&path, text).unwrap();
    YamlStore::open(path).unwrap().with_clock(clock.reader())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yaml_store_can_be_managed() -> Result<(), Violation> {
    manage_contract(async |clock| yaml(&clock, "")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yaml_store_that_begins_with_empty_brackets_can_be_managed() -> Result<(), Violation> {
    manage_contract(async |clock| yaml(&clock, "{} # nothing yet\n")).await
}

#[tokio::test]
async fn naive_store_can_be_managed() -> Result<(), Violation> {
    manage_contract(async |clock| Naive::new(Right, clock)).await
}

/// Does all its work in tasks of its runtime, as some database clients do.
struct Spawning(MemoryStore);

impl Spawning {
    fn spawn<T: Send + 'static>(
        &self,
        change: impl FnOnce(&MemoryStore) -> Result<T, ManageError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, ManageError>> {
        let store = self.0.clone();
        Box::pin(async move {
            tokio::task::yield_now().await;
            tokio::spawn(async move { change(&store) }).await.unwrap()
        })
    }
}

impl KeyStore for Spawning {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let lookup = self.0.lookup(digest);
        Lookup::pending(async move { tokio::spawn(lookup).await.unwrap() })
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, ManageError>>;

impl ManageKeys for Spawning {
    fn add_client(&self, profile: ClientProfile) -> Answer<'_, ClientInfo> {
        self.spawn(|store| store.add_client(profile))
    }

    fn enable_client<'a>(&'a self, name: &'a str) -> Answer<'a, ClientInfo> {
        let name = name.to_owned();
        self.spawn(move |store| store.enable_client(&name))
    }

    fn disable_client<'a>(&'a self, name: &'a str) -> Answer<'a, ClientInfo> {
        let name = name.to_owned();
        self.spawn(move |store| store.disable_client(&name))
    }

    fn remove_client<'a>(&'a self, name: &'a str) -> Answer<'a, ClientInfo> {
        let name = name.to_owned();
        self.spawn(move |store| store.remove_client(&name))
    }

    fn list_clients(&self) -> Answer<'_, Vec<ClientInfo>> {
        self.spawn(|store| Ok(store.list_clients()))
    }

    fn issue<'a>(&'a self, client: &'a str, key: NewKey) -> Answer<'a, KeyInfo> {
        let client = client.to_owned();
        self.spawn(move |store| store.issue(&client, key))
    }

    fn revoke<'a>(&'a self, key_id: &'a KeyId) -> Answer<'a, KeyInfo> {
        let key_id = *key_id;
        self.spawn(move |store| store.revoke(&key_id))
    }

    fn rotate<'a>(
        &'a self,
        key_id: &'a KeyId,
        successor: NewKey,
        grace: std::time::Duration,
    ) -> Answer<'a, Rotated> {
        let key_id = *key_id;
        self.spawn(move |store| store.rotate(&key_id, successor, grace))
    }

    fn list_keys<'a>(&'a self, client: Option<&'a str>) -> Answer<'a, Vec<KeyInfo>> {
        let client = client.map(str::to_owned);
        self.spawn(move |store| store.list_keys(client.as_deref()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_that_waits_can_be_managed() -> Result<(), Violation> {
    manage_contract(async |clock| Spawning(memory(&clock))).await
}
