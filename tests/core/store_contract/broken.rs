//! Makes stores that do one thing wrong, and says which rule the suite finds broken.

use keygate::testing::{Rule, Violation, key_contract, store_contract};
use keygate::{KeyDigest, KeyRecord, KeyStore, LocalKeyStore, StoreError};

pub(crate) type Answer = Result<Option<KeyRecord>, StoreError>;

/// Returns the result of a function of its records.
struct Broken<F> {
    records: Vec<KeyRecord>,
    find: F,
}

impl<F> LocalKeyStore for Broken<F>
where
    F: Fn(&[KeyRecord], KeyDigest) -> Answer + Send + Sync + 'static,
{
    fn find(&self, digest: &KeyDigest) -> Answer {
        (self.find)(&self.records, *digest)
    }
}

/// What a store should return.
pub(crate) fn right(records: &[KeyRecord], digest: KeyDigest) -> Option<KeyRecord> {
    records.iter().find(|record| record.digest() == digest).cloned()
}

/// The rule broken by a store with these lookups.
pub(crate) async fn rule_broken_by<F>(find: F) -> Rule
where
    F: Fn(&[KeyRecord], KeyDigest) -> Answer + Clone + Send + Sync + 'static,
{
    rule_broken_by_store(async |records| Broken { records, find: find.clone() }).await
}

/// The rule broken by a store that changes its records like this.
pub(crate) async fn rule_broken_by_change(
    change: impl Fn(KeyRecord) -> Option<KeyRecord> + Clone + Send + Sync + 'static,
) -> Rule {
    rule_broken_by(move |records, digest| Ok(right(records, digest).and_then(&change))).await
}

pub(crate) async fn rule_broken_by_store<S: KeyStore>(
    make: impl AsyncFn(Vec<KeyRecord>) -> S,
) -> Rule {
    let violation = store_contract(make).await.expect_err("the suite bites");
    rule(&violation, &[])
}

/// The rule that a store breaks that is filled with keys, and makes these records of them.
pub(crate) async fn rule_broken_by_keys(
    record: impl Fn(&str, &str) -> KeyRecord + Clone + Send + Sync + 'static,
) -> Rule {
    let seen = std::sync::Mutex::new(Vec::new());
    let make = async |keys: Vec<(String, String)>| {
        seen.lock().unwrap().extend(keys.iter().map(|(key, _)| key.clone()));
        let records = keys.iter().map(|(key, name)| record(key, name)).collect();
        Broken { records, find: |records: &[KeyRecord], digest| Ok(right(records, digest)) }
    };
    let violation = key_contract(make).await.expect_err("the suite bites");
    rule(&violation, &seen.into_inner().unwrap())
}

/// Also looks for keys where there must be none.
fn rule(violation: &Violation, keys: &[String]) -> Rule {
    let shown = format!("{violation} {violation:?} {}", violation.seen());
    for key in keys {
        assert!(!shown.contains(&key[..16]), "the violation shows a key");
    }
    assert!(shown.contains(&format!("{:?}", violation.rule())), "{shown}");
    violation.rule()
}
