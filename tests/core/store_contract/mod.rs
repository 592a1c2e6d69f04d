//! The store-contract suite against the crate's own stores, and against stores that break it.

mod broken;
mod concurrency;
mod half_made;
mod managing;
mod mismanaged;
mod misrotated;
mod naive;
mod records;
mod texts;

use std::fmt::Write as _;
use std::sync::Arc;

use keygate::store::store_fn;
use keygate::testing::{Violation, key_contract, store_contract};
use keygate::{KeyDigest, KeyRecord, KeyStore, LocalKeyStore, Lookup, MemoryStore, YamlStore};

fn memory(records: Vec<KeyRecord>) -> MemoryStore {
    let store = MemoryStore::new();
    for record in records {
        store.insert_record(record).expect("an empty store takes each of the records");
    }
    store
}

fn yaml(keys: Vec<(String, String)>) -> YamlStore {
    let quoted = |text: String| format!("'{}'", text.replace('\'', "''"));
    let mut file = "api_keys:\n".to_owned();
    for (key, name) in keys {
        writeln!(file, "    {}: {}", quoted(key), quoted(name)).unwrap();
    }
    file.parse().expect("all keys are fair")
}

#[tokio::test]
async fn memory_store_keeps_the_contract() -> Result<(), Violation> {
    store_contract(async |records| memory(records)).await?;
    key_contract(async |keys| MemoryStore::from_keys(keys).expect("all keys are fair")).await
}

#[tokio::test]
async fn yaml_store_keeps_the_contract() -> Result<(), Violation> {
    key_contract(async |keys| yaml(keys)).await
}

#[tokio::test]
async fn stores_behind_dyn_keep_the_contract() -> Result<(), Violation> {
    store_contract(async |records| Arc::new(memory(records)) as Arc<dyn KeyStore>).await?;
    store_contract(async |records| Arc::new(memory(records)) as Arc<dyn LocalKeyStore>).await?;
    key_contract(async |keys| Arc::new(yaml(keys)) as Arc<dyn KeyStore>).await
}

#[tokio::test]
async fn store_that_waits_keeps_the_contract() -> Result<(), Violation> {
    store_contract(async |records| {
        let store = memory(records);
        store_fn(move |digest: KeyDigest| {
            let store = store.clone();
            async move {
                tokio::task::yield_now().await;
                store.find(&digest)
            }
        })
    })
    .await
}

/// Needs its runtime to make a lookup at all, as some database clients do.
struct Spawning(MemoryStore);

impl KeyStore for Spawning {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let store = self.0.clone();
        let task = tokio::spawn(async move { store.find(&digest) });
        Lookup::pending(async move { task.await.unwrap() })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_can_be_spawned_and_stays_within_its_runtime() -> Result<(), Violation> {
    let contract = store_contract(async |records| Spawning(memory(records)));
    tokio::spawn(contract).await.unwrap()
}

#[tokio::test]
async fn scopes_may_come_back_in_another_order() -> Result<(), Violation> {
    store_contract(async |records: Vec<KeyRecord>| {
        let reversed = |record: KeyRecord| {
            let scopes: Vec<_> = record.profile().scopes().iter().rev().cloned().collect();
            if scopes.is_empty() {
                return record;
            }
            KeyRecord::new(record.digest(), record.profile().clone().with_scopes(scopes))
                .with_expiry(record.expires())
                .with_state(record.state())
        };
        memory(records.into_iter().map(reversed).collect())
    })
    .await
}
