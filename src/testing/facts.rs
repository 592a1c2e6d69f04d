use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::clock::FakeClock;
use super::sample::{detailed_profile, network, restricted_profile, scope, unlimited_profile};
use crate::client::ClientProfile;
use crate::key::{KeyDigest, KeyState, Lifetime, Timestamp};
use crate::manage::{ClientFacts, Export, KeyFacts, ManageKeys, NewKey};
use crate::store::{KeyRecord, KeyStore};

/// Returns clients and keys for tests that copy them from one place to another. For every fact, there are two that
/// differ in it.
///
/// Import them, or write them with [`write_keys`], copy them, and compare the copy with [`assert_same_facts`] and
/// [`assert_finds_keys`].
///
/// ```
/// use keygate::MemoryStore;
/// use keygate::manage::TransferKeys;
/// use keygate::testing::{assert_finds_keys, assert_same_facts, keys_of_every_kind};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::manage::ManageError> {
/// let (keys, store) = (keys_of_every_kind(), MemoryStore::new());
/// store.import_keys(&keys).await?;
/// assert_same_facts(&keys, &store.export_keys().await?);
/// assert_finds_keys(&keys, &store).await;
/// # Ok(())
/// # }
/// ```
pub fn keys_of_every_kind() -> Export {
    let time = |seconds| Some(Timestamp::nearest(beginning() + Duration::from_secs(seconds)));
    let until =
        |micros| Lifetime::default().with_expiry(beginning() + Duration::from_micros(micros));
    let digest = |what: &str| KeyDigest::of(what.as_bytes());
    let begins = beginning() + Duration::from_millis(1_800_250);
    let expiring = until(86_400_123_456).with_not_before(begins);
    let scopes = |text: &str| vec![scope(text)];
    let networks = |text: &str| vec![network(text)];
    let [detailed, unlimited] = [detailed_profile(), unlimited_profile()];
    // Written without `..`, so that a new fact must be set here.
    let every = KeyFacts {
        digest: digest("a key with every fact"),
        client: detailed.name().to_owned(),
        label: Some("production".to_owned()),
        scopes: scopes("orders:read"),
        networks: networks("10.1.0.0/16"),
        created: time(0),
        lifetime: until(7_200_000_000).with_not_before(begins),
        revoked: time(3_700),
        replaced_by: Some(digest("its successor").key_id()),
    };
    let plain = |what: &str, client: &ClientProfile| KeyFacts {
        created: time(60),
        ..KeyFacts::new(digest(what), client.name())
    };
    let keys = vec![
        KeyFacts {
            created: time(3_600),
            label: Some("it's \"mobile\"".to_owned()),
            scopes: scopes("stock:read"),
            networks: networks("192.0.2.0/24"),
            ..plain("its successor", &detailed)
        },
        KeyFacts {
            lifetime: expiring,
            scopes: scopes("orders:read"),
            networks: networks("2001:db8::/32"),
            ..plain("an expiring key", &detailed)
        },
        KeyFacts { revoked: time(120), ..plain("a revoked key", &detailed) },
        plain("a plain key", &ClientProfile::new("Plain")),
        // Stores need not keep whether a revoked key was replaced.
        KeyFacts {
            lifetime: until(7_200_000_000),
            replaced_by: Some(digest("the successor of a plain key").key_id()),
            ..plain("a replaced key", &ClientProfile::new("Plain"))
        },
        KeyFacts {
            created: time(3_600),
            ..plain("the successor of a plain key", &ClientProfile::new("Plain"))
        },
        plain("a key of a client with networks", &restricted_profile()),
        KeyFacts { lifetime: expiring, ..plain("a key of a disabled client", &unlimited) },
        every,
    ];
    let clients = [
        (detailed, true),
        (unlimited, false),
        (ClientProfile::new("Plain"), true),
        (restricted_profile(), true),
    ];
    let clients = clients.map(|(profile, enabled)| ClientFacts { profile, enabled });
    Export::new(clients.into(), keys)
}

fn beginning() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Adds the [`keys_of_every_kind`] to an empty store that uses this clock, with the methods of the store.
///
/// # Panics
///
/// If the store refuses a change.
pub async fn write_keys(store: &impl ManageKeys, clock: &FakeClock) {
    let export = keys_of_every_kind();
    let new = |key: &KeyFacts| {
        let [(_, not_before), (_, expires)] = key.lifetime.times();
        let new = NewKey::new(key.digest)
            .with_not_before(not_before.map(SystemTime::from))
            .with_expiry(expires.map(SystemTime::from))
            .with_scopes(key.scopes.clone())
            .with_networks(key.networks.clone());
        key.label.iter().fold(new, NewKey::with_label)
    };
    for client in export.clients() {
        store.add_client(client.profile.clone()).await.expect("a new client is added");
    }
    let successors: BTreeSet<_> = export.keys().iter().filter_map(|key| key.replaced_by).collect();
    for key in export.keys().iter().filter(|key| !successors.contains(&key.key_id())) {
        // The other facts are set by `new`.
        let KeyFacts {
            digest: _,
            client,
            label: _,
            scopes: _,
            networks: _,
            created,
            lifetime,
            revoked,
            replaced_by,
        } = key;
        let at = |time: &Option<Timestamp>| time.map_or(clock.now(), SystemTime::from);
        clock.set(at(created));
        let successor = export.keys().iter().find(|other| Some(other.key_id()) == *replaced_by);
        if let Some(successor) = successor {
            store.issue(client, new(key).with_expiry(None)).await.expect("a new key is issued");
            clock.set(at(&successor.created));
            let ends = lifetime.expires().and_then(|end| end.duration_since(clock.now()).ok());
            let (id, grace) = (key.key_id(), ends.unwrap_or_default());
            store.rotate(&id, new(successor), grace).await.expect("a key is rotated");
        } else {
            store.issue(client, new(key)).await.expect("a new key is issued");
        }
        if revoked.is_some() {
            clock.set(at(revoked));
            store.revoke(&key.key_id()).await.expect("a key is revoked");
        }
    }
    for client in export.clients().iter().filter(|client| !client.enabled) {
        store.disable_client(client.profile.name()).await.expect("a client is disabled");
    }
}

/// Checks that a copy has the same clients and keys, with the same facts, and the same policy.
///
/// # Panics
///
/// If it does not. The message names the facts that differ.
pub fn assert_same_facts(expected: &Export, copy: &Export) {
    let names = |export: &Export| -> Vec<_> {
        export.clients().iter().map(|client| client.profile.name().to_owned()).collect()
    };
    assert_eq!(names(copy), names(expected), "the copy has clients with other names");
    for (client, copied) in expected.clients().iter().zip(copy.clients()) {
        let (name, differing) = (client.profile.name(), client.differing(copied));
        assert!(differing.is_empty(), "the copy of the client {name} differs in {differing:?}");
    }
    assert_eq!(copy.key_count(), expected.key_count(), "the copy has a different number of keys");
    for (key, copied) in expected.keys().iter().zip(copy.keys()) {
        let (id, differing) = (key.key_id(), key.differing(copied));
        assert!(differing.is_empty(), "the copy of the key {id} differs in {differing:?}");
    }
    assert_eq!(copy.policy(), expected.policy(), "the copy has another policy");
    assert!(copy == expected, "the copy differs in the keys that are disabled by themselves");
}

/// Checks that a store finds each key with the facts that authentication needs.
///
/// # Panics
///
/// If it does not. The message names the facts that differ.
pub async fn assert_finds_keys(expected: &Export, store: &impl KeyStore) {
    for key in expected.keys() {
        let client = expected.client(&key.client).expect("an export has the clients of its keys");
        let id = key.key_id();
        let found = store.lookup(key.digest).await;
        let found = found.unwrap_or_else(|error| panic!("the lookup of {id} fails: {error}"));
        let found = found.unwrap_or_else(|| panic!("the digest {id} is not found"));
        let status = (key.state(client.enabled), key.replaced_by.is_some());
        let differing = differing(&client.profile, key, status, &found);
        assert!(differing.is_empty(), "the key {id} is found, but differs in {differing:?}");
    }
}

/// Returns the names of the facts in which a record differs from a key of this client, with this state, and which was
/// replaced or not.
///
/// A revoked key need not keep its lifetime, or whether it was replaced.
pub(super) fn differing(
    client: &ClientProfile,
    key: &KeyFacts,
    (state, is_replaced): (KeyState, bool),
    found: &KeyRecord,
) -> Vec<String> {
    let facts = KeyFacts {
        // Records do not have these. What they have of them is compared below.
        label: key.label.clone(),
        created: key.created,
        revoked: key.revoked,
        replaced_by: key.replaced_by,
        ..found.facts()
    };
    let of_client = |profile: &ClientProfile| ClientFacts::new(profile.clone());
    let of_client = of_client(client).differing(&of_client(found.profile()));
    let mut differing = key.differing(&facts);
    differing.extend((found.is_replaced() != is_replaced).then_some("replaced_by"));
    if state == KeyState::Revoked {
        let times = key.lifetime.times().map(|(name, _)| name);
        differing.retain(|name| *name != "replaced_by" && !times.contains(name));
    }
    differing.extend((found.state() != state).then_some("state"));
    let of_client = of_client.into_iter().map(|name| format!("client's {name}"));
    differing.into_iter().map(str::to_owned).chain(of_client).collect()
}

#[cfg(test)]
mod tests;
