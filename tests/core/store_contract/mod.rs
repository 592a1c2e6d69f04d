//! The suites for stores against the crate's own stores, and against stores that break each rule.

mod broken;
mod faults;
mod managing;
mod naive;
mod purging;
mod racing;
mod recording;
mod waiting;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use keygate::store::store_fn;
use keygate::testing::{key_contract, store_contract};
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
    file.parse().expect("all keys are valid")
}

/// Returns the message with which a suite panics.
pub(crate) async fn failure(suite: impl Future<Output = ()>) -> String {
    let mut suite = pin!(suite);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| suite.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => panic!("the suite passes"),
        Err(panic) => Poll::Ready(*panic.downcast::<String>().expect("the message of a rule")),
    })
    .await
    .replace("assertion `left == right` failed: ", "")
}

/// Every rule is documented, and tested with a store that breaks it.
#[test]
fn every_rule_is_documented_and_has_a_broken_store() {
    let docs = include_str!("../../../src/testing.rs");
    let (_, docs) = docs.split_once("# Rules of lookups").unwrap();
    let (docs, _) = docs.split_once("# Limits").unwrap();
    let documented = regex::Regex::new("`([a-z]+(?:_[a-z]+){2,})`").unwrap();
    let documented: BTreeSet<_> =
        documented.captures_iter(docs).map(|found| found.get(1).unwrap().as_str()).collect();
    let suites = [
        include_str!("../../../src/testing/contract.rs"),
        include_str!("../../../src/testing/manage.rs"),
    ];
    let listed = regex::Regex::new("(?m)^ {8,12}([a-z_]+);?$|case\\(\"([a-z_]+)\"").unwrap();
    let rules: BTreeSet<_> = suites
        .iter()
        .flat_map(|suite| listed.captures_iter(suite))
        .map(|found| found.get(1).or(found.get(2)).unwrap().as_str())
        .collect();
    assert_eq!(documented, rules);
    let faults = faults::faults().into_iter().map(|(message, _)| message);
    let recorded = recording::faults().into_iter().map(|(message, _)| message);
    let broken = broken::broken().into_iter().map(|(message, _)| message);
    let others = ["key_is_found_by_its_exact_text", "listing_unrecorded_changes_is_an_error"];
    let purging = purging::faults().into_iter().map(|(message, _)| message);
    let others = [waiting::RULES, racing::RULES, purging::RULES, &others].concat();
    let messages = faults.chain(recorded).chain(purging).chain(broken).chain(others);
    let tested: BTreeSet<_> = messages.map(|it| it.split(':').next().unwrap()).collect();
    assert_eq!(tested, rules);
}

#[tokio::test]
async fn memory_store_keeps_the_contract() {
    store_contract(async |records| memory(records)).await;
    key_contract(async |keys| MemoryStore::from_keys(keys).expect("all keys are valid")).await;
}

#[tokio::test]
async fn yaml_store_keeps_the_contract() {
    key_contract(async |keys| yaml(keys)).await;
}

#[tokio::test]
async fn dyn_stores_keep_the_contract() {
    store_contract(async |records| Arc::new(memory(records)) as Arc<dyn KeyStore>).await;
    store_contract(async |records| Arc::new(memory(records)) as Arc<dyn LocalKeyStore>).await;
    key_contract(async |keys| Arc::new(yaml(keys)) as Arc<dyn KeyStore>).await;
}

#[tokio::test]
async fn store_that_waits_keeps_the_contract() {
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
    .await;
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
async fn contract_can_be_spawned_and_stays_in_its_runtime() {
    let contract = store_contract(async |records| Spawning(memory(records)));
    tokio::spawn(contract).await.unwrap();
}

#[tokio::test]
async fn scopes_may_be_returned_in_another_order() {
    store_contract(async |records: Vec<KeyRecord>| {
        let reversed = |record: KeyRecord| {
            let scopes: Vec<_> = record.profile().scopes().iter().rev().cloned().collect();
            if scopes.is_empty() {
                return record;
            }
            KeyRecord::new(record.digest(), record.profile().clone().with_scopes(scopes))
                .with_lifetime(record.lifetime())
                .with_replaced(record.is_replaced())
                .with_scopes(record.scopes().to_vec())
                .with_networks(record.networks().to_vec())
                .with_state(record.state())
        };
        memory(records.into_iter().map(reversed).collect())
    })
    .await;
}
