use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::manage::{Policy, TransferKeys as _};
use crate::store::MemoryStore;

/// Copies an export without one fact of all keys, or of all clients.
enum Dropping {
    OfKeys(fn(&mut KeyFacts)),
    OfClients(fn(&mut ClientFacts)),
}

impl Dropping {
    fn copy(&self, export: &Export) -> Export {
        let (mut clients, mut keys) = (export.clients().to_vec(), export.keys().to_vec());
        match self {
            Self::OfKeys(drop) => keys.iter_mut().for_each(drop),
            Self::OfClients(drop) => clients.iter_mut().for_each(drop),
        }
        Export::new(clients, keys)
    }
}

/// The facts, the copies that leave them out, and whether authentication needs them.
fn copies() -> Vec<(&'static str, Dropping, bool)> {
    use Dropping::{OfClients, OfKeys};
    vec![
        ("digest", OfKeys(|key| key.digest = KeyDigest::of(&key.digest.to_bytes())), true),
        ("client", OfKeys(|key| key.client = "Unlimited".to_owned()), true),
        ("label", OfKeys(|key| key.label = None), false),
        ("scopes", OfKeys(|key| key.scopes.clear()), true),
        ("networks", OfKeys(|key| key.networks.clear()), true),
        ("created", OfKeys(|key| key.created = None), false),
        ("not_before", OfKeys(|key| key.lifetime = key.lifetime.with_not_before(None)), true),
        ("expires", OfKeys(|key| key.lifetime = key.lifetime.with_expiry(None)), true),
        ("revoked", OfKeys(|key| key.revoked = None), true),
        ("replaced_by", OfKeys(|key| key.replaced_by = None), true),
        ("enabled", OfClients(|client| client.enabled = true), true),
        ("title", OfClients(|it| it.profile = without_title(&it.profile)), true),
        // The scopes of the keys still narrow `*`.
        ("scopes", OfClients(|it| it.profile = it.profile.clone().with_scopes("*".parse())), true),
        ("networks", OfClients(|it| it.profile = it.profile.clone().with_networks([])), true),
        ("quota", OfClients(|it| it.profile = without_quota(&it.profile)), true),
        (
            "metadata",
            OfClients(|it| it.profile = it.profile.clone().with_metadata([("", ""); 0])),
            true,
        ),
    ]
}

fn without_quota(profile: &ClientProfile) -> ClientProfile {
    let bare = ClientProfile::new(profile.name())
        .with_scopes(profile.scopes().to_vec())
        .with_metadata(profile.metadata().clone());
    profile.title().into_iter().fold(bare, ClientProfile::with_title)
}

fn without_title(profile: &ClientProfile) -> ClientProfile {
    let bare = ClientProfile::new(profile.name())
        .with_scopes(profile.scopes().to_vec())
        .with_metadata(profile.metadata().clone());
    profile.quota().cloned().into_iter().fold(bare, ClientProfile::with_quota)
}

fn failure(check: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(check)).err()?;
    Some(match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().expect("a message")).to_owned(),
    })
}

/// Two keys, or two clients, that differ in every fact: all names must be returned.
#[test]
fn every_fact_is_left_out_by_a_copy() {
    let export = keys_of_every_kind();
    let has_ended = |key: &&KeyFacts| key.replaced_by.is_some() && key.revoked.is_some();
    let every = export.keys().iter().find(has_ended).unwrap();
    assert!(every.lifetime.times().iter().all(|(_, time)| time.is_some()));
    let mut facts = every.differing(&KeyFacts::new(KeyDigest::of(b""), ""));
    let detailed = &export.clients()[0];
    let disabled = ClientFacts { profile: ClientProfile::new(""), enabled: false };
    facts.extend(detailed.differing(&disabled));
    let restricted = ClientFacts::new(restricted_profile());
    facts.extend(restricted.differing(&ClientFacts::new("")));
    facts.sort_unstable();
    let mut left_out: Vec<_> = copies().iter().map(|(fact, ..)| *fact).collect();
    left_out.sort_unstable();
    assert_eq!(left_out, facts);
}

#[tokio::test]
async fn copy_that_leaves_out_a_fact_fails_and_names_it() {
    let keys = keys_of_every_kind();
    assert_same_facts(&keys, &keys);
    for (fact, dropping, _) in copies() {
        let copy = dropping.copy(&keys);
        let message = failure(|| assert_same_facts(&keys, &copy)).expect(fact);
        assert!(message.contains(&format!("{fact:?}")), "{fact}: {message}");
    }
}

#[test]
fn copy_with_another_policy_or_disabled_keys_names_them() {
    let keys = keys_of_every_kind();
    let policy = Policy::new().with_max_lifetime(Duration::from_secs(86_400));
    let other = keys.clone().with_policy(policy);
    let message = failure(|| assert_same_facts(&keys, &other)).expect("the policy differs");
    assert!(message.contains("another policy"), "{message}");
    let disabled = keys.clone().with_disabled(BTreeSet::from([keys.keys()[0].key_id()]));
    let message = failure(|| assert_same_facts(&keys, &disabled)).expect("a key differs");
    assert!(message.contains("disabled by themselves"), "{message}");
}

#[test]
fn store_that_finds_keys_without_a_fact_fails_and_names_it() {
    let keys = keys_of_every_kind();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (fact, dropping, is_needed) in copies() {
        let store = MemoryStore::new();
        let imported = runtime.block_on(store.import_keys(&dropping.copy(&keys))).unwrap();
        assert!(imported.is_complete());
        let message = failure(|| runtime.block_on(assert_finds_keys(&keys, &store)));
        assert_eq!(message.is_some(), is_needed, "{fact}");
        let named = match fact {
            "digest" => "the digest",
            "revoked" | "enabled" => "\"state\"",
            fact => fact,
        };
        assert!(message.is_none_or(|message| message.contains(named)), "{fact}");
    }
}
