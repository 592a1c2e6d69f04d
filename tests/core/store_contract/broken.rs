//! Stores that never wait, each with one fault.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::key::KeyState;
use keygate::testing::{key_contract, store_contract};
use keygate::{ClientProfile, KeyDigest, KeyRecord, LocalKeyStore, Quota, StoreError};

use crate::store_contract::failure;

type Found = Result<Option<KeyRecord>, StoreError>;
type Find = Arc<dyn Fn(&[KeyRecord], KeyDigest) -> Found + Send + Sync>;

struct Broken(Vec<KeyRecord>, Find);

impl LocalKeyStore for Broken {
    fn find(&self, digest: &KeyDigest) -> Found {
        (self.1)(&self.0, *digest)
    }
}

/// The result of a store without a fault.
fn right(records: &[KeyRecord], digest: KeyDigest) -> Option<KeyRecord> {
    records.iter().find(|record| record.digest() == digest).cloned()
}

fn found(find: impl Fn(&[KeyRecord], KeyDigest) -> Found + Send + Sync + 'static) -> Find {
    Arc::new(find)
}

fn kept(is_kept: fn(&KeyRecord) -> bool) -> Find {
    found(move |records, digest| Ok(right(records, digest).filter(is_kept)))
}

fn changed(change: impl Fn(KeyRecord) -> KeyRecord + Send + Sync + 'static) -> Find {
    found(move |records, digest| Ok(right(records, digest).map(&change)))
}

fn with_profile(record: &KeyRecord, profile: impl Into<ClientProfile>) -> KeyRecord {
    KeyRecord::new(record.digest(), profile)
        .with_scopes(record.scopes().to_vec())
        .with_networks(record.networks().to_vec())
        .with_lifetime(record.lifetime())
        .with_replaced(record.is_replaced())
        .with_state(record.state())
}

/// Alters the profiles that have a quota, or none.
fn quota(changes: fn(Option<&Quota>) -> Option<Quota>) -> Find {
    changed(move |record| {
        let bare = ClientProfile::new(record.profile().name())
            .with_scopes(record.profile().scopes().to_vec())
            .with_metadata(record.profile().metadata().clone());
        let bare = record.profile().title().into_iter().fold(bare, ClientProfile::with_title);
        let bare = bare.with_networks(record.profile().networks().to_vec());
        let quota = changes(record.profile().quota());
        with_profile(&record, quota.into_iter().fold(bare, ClientProfile::with_quota))
    })
}

fn expiry(change: fn(SystemTime) -> Option<SystemTime>) -> Find {
    changed(move |record| {
        let expires = record.expires().and_then(change);
        record.with_expiry(expires)
    })
}

fn beginning(change: fn(SystemTime) -> Option<SystemTime>) -> Find {
    changed(move |record| {
        let lifetime = record.lifetime();
        record.with_lifetime(lifetime.with_not_before(lifetime.not_before().and_then(change)))
    })
}

/// Finds the first record whose digest is equal according to this function, and returns it with the digest of the
/// lookup, so that verification cannot notice the mistake.
fn compared<T: PartialEq + 'static>(by: fn([u8; 32]) -> T) -> Find {
    found(move |records, digest| {
        let same = |record: &&KeyRecord| by(record.digest().to_bytes()) == by(digest.to_bytes());
        let found = right(records, digest).or_else(|| records.iter().find(same).cloned());
        Ok(found.map(|record| {
            KeyRecord::new(digest, record.profile())
                .with_scopes(record.scopes().to_vec())
                .with_networks(record.networks().to_vec())
                .with_lifetime(record.lifetime())
                .with_replaced(record.is_replaced())
                .with_state(record.state())
        }))
    })
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let groups = bytes.chunks(3).map(|group| {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        byte(0) << 16 | byte(1) << 8 | byte(2)
    });
    let sextets = groups.flat_map(|bits| [18, 12, 6, 0].map(|shift| bits >> shift & 0x3f));
    sextets.map(|sextet| char::from(ALPHABET[sextet as usize])).collect()
}

/// The records of the client of a record.
fn siblings<'a>(records: &'a [KeyRecord], of: &KeyRecord) -> Vec<&'a KeyRecord> {
    let name = of.profile().name();
    records.iter().filter(|record| record.profile().name() == name).collect()
}

/// Returns `anybody` for an unknown digest, if this condition on the records and the digest is true.
fn anybody(is_meant: impl Fn(&[KeyRecord], KeyDigest) -> bool + Send + Sync + 'static) -> Find {
    found(move |records, digest| {
        let anybody = || is_meant(records, digest).then(|| KeyRecord::new(digest, "anybody"));
        Ok(right(records, digest).or_else(anybody))
    })
}

/// Returns whether a digest was seen before.
fn seen_before() -> impl Fn(KeyDigest) -> bool + Send + Sync {
    let seen = Mutex::new(HashSet::new());
    move |digest| !seen.lock().unwrap().insert(digest)
}

/// Stores with one fault, and the start of the message.
#[allow(clippy::too_many_lines)] // A table.
pub(crate) fn broken() -> Vec<(&'static str, Find)> {
    let (known, unknown, home) = (seen_before(), seen_before(), thread::current().id());
    let no_rows = || StoreError::new("no rows returned");
    vec![
        ("unknown_digest_is_none: the lookup of an unknown digest failed", {
            found(move |all, digest| right(all, digest).map(Some).ok_or_else(no_rows))
        }),
        ("unknown_digest_is_none: an unknown digest is found", anybody(|_, _| true)),
        ("record_is_kept", {
            found(|all, digest| {
                let is_last = |it: &KeyRecord| siblings(all, it).last().unwrap().digest() == digest;
                Ok(right(all, digest).filter(is_last))
            })
        }),
        ("record_is_kept", {
            found(|all, digest| {
                Ok(right(all, digest).map(|it| match siblings(all, &it)[0].digest() {
                    first if first == digest => it,
                    _ => with_profile(&it, format!("{} (2)", it.profile().name())),
                }))
            })
        }),
        ("record_is_kept", kept(|record| record.digest().to_bytes() != [0; 32])),
        ("record_is_kept: a digest with zero bytes", {
            kept(|record| record.digest().to_bytes().trim_ascii_end().len() == 32)
        }),
        ("record_is_kept: the lookup of a key of a client with scopes", {
            found(|all, digest| match right(all, digest) {
                Some(it) if it.profile().quota().is_some() => Err(StoreError::new("no column")),
                record => Ok(record),
            })
        }),
        ("record_is_kept", kept(|record| record.state() != KeyState::Revoked)),
        ("record_is_kept", kept(|record| record.state() != KeyState::Disabled)),
        ("record_is_kept", {
            kept(|record| record.expires().is_none_or(|expires| expires > SystemTime::now()))
        }),
        (r#"record_is_kept: ["digest""#, {
            found(|all, digest| {
                Ok(right(all, digest).map(|it| {
                    let other = KeyRecord::new(KeyDigest::of(b"other"), it.profile());
                    other.with_lifetime(it.lifetime()).with_state(it.state())
                }))
            })
        }),
        (r#"record_is_kept: ["client""#, {
            changed(|record| {
                let name: String = record.profile().name().chars().take(127).collect();
                let is_kept = name == record.profile().name();
                if is_kept { record } else { with_profile(&record, name) }
            })
        }),
        (r#"record_is_kept: ["client's title""#, {
            changed(|record| {
                let title = record.profile().title().unwrap_or("A title").to_lowercase();
                let profile = record.profile().clone().with_title(title);
                with_profile(&record, profile)
            })
        }),
        (r#"record_is_kept: ["client's scopes""#, {
            changed(|it| with_profile(&it, it.profile().clone().with_scopes([])))
        }),
        (r#"record_is_kept: ["scopes""#, changed(|record| record.with_scopes([]))),
        (r#"record_is_kept: ["client's networks""#, {
            changed(|it| with_profile(&it, it.profile().clone().with_networks([])))
        }),
        (r#"record_is_kept: ["networks""#, changed(|record| record.with_networks([]))),
        (r#"record_is_kept: ["client's quota""#, quota(|_| None)),
        (r#"record_is_kept: ["client's quota""#, {
            quota(|quota| quota.cloned().or_else(|| "unlimited".parse().ok()))
        }),
        (r#"record_is_kept: ["client's quota""#, {
            quota(|quota| {
                let without_burst = |quota: &Quota| {
                    let rates = quota.rates().iter();
                    Quota::all_of(rates.map(|rate| rate.with_burst(rate.count()).unwrap())).ok()
                };
                quota.and_then(|quota| without_burst(quota).or(Some(quota.clone())))
            })
        }),
        (r#"record_is_kept: ["client's metadata""#, {
            changed(|record| {
                if record.profile().metadata().is_empty() {
                    return record;
                }
                let profile = record.profile().clone();
                with_profile(&record, profile.with_metadata([("team", "billing")]))
            })
        }),
        (r#"record_is_kept: ["state""#, {
            changed(|record| match record.state() {
                KeyState::Disabled => record.with_state(KeyState::Active),
                _ => record,
            })
        }),
        (r#"record_is_kept: ["expires""#, expiry(|_| None)),
        // In whole milliseconds.
        (r#"record_is_kept: ["expires""#, {
            expiry(|expires| {
                let nanos = expires.duration_since(UNIX_EPOCH).ok()?.subsec_nanos();
                Some(expires - Duration::from_nanos(u64::from(nanos % 1_000_000)))
            })
        }),
        (r#"record_is_kept: ["expires""#, expiry(|it| Some(it).filter(|it| *it != UNIX_EPOCH))),
        // Seconds that overflow.
        (r#"record_is_kept: ["expires""#, {
            expiry(|expires| {
                let since = expires.duration_since(UNIX_EPOCH).ok()?;
                let seconds = Duration::from_secs(since.as_secs() & u64::from(u32::MAX));
                Some(UNIX_EPOCH + seconds + Duration::from_nanos(since.subsec_nanos().into()))
            })
        }),
        (r#"record_is_kept: ["not_before""#, beginning(|_| None)),
        // Cut to the microsecond.
        (r#"record_is_kept: ["not_before""#, {
            beginning(|begins| Some(begins - Duration::from_micros(1)))
        }),
        (r#"record_is_kept: ["replaced_by""#, changed(|record| record.with_replaced(false))),
        ("whole_digest_is_compared", compared(|bytes| bytes[..8].to_vec())),
        ("whole_digest_is_compared", compared(|bytes| bytes[..31].to_vec())),
        ("whole_digest_is_compared", compared(|bytes| bytes[1..].to_vec())),
        ("whole_digest_is_compared", compared(|bytes| bytes.map(|byte| byte & 0x7f))),
        ("whole_digest_is_compared", {
            compared(|mut bytes| {
                bytes.sort_unstable();
                bytes
            })
        }),
        ("whole_digest_is_compared", {
            compared(|bytes| bytes.split(|byte| *byte == 0).next().unwrap().to_vec())
        }),
        ("whole_digest_is_compared", {
            compared(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }),
        ("whole_digest_is_compared", compared(|bytes| bytes.to_ascii_lowercase())),
        ("whole_digest_is_compared", { compared(|bytes| base64(&bytes).to_ascii_lowercase()) }),
        ("record_is_kept", {
            found(move |all, digest| {
                let is_again = known(digest);
                Ok(right(all, digest).filter(|_| !is_again))
            })
        }),
        ("unknown_digest_is_none", anybody(move |_, digest| unknown(digest))),
        ("lookups_can_run_in_threads", {
            found(move |all, digest| {
                Ok(right(all, digest).filter(|_| thread::current().id() == home))
            })
        }),
        ("empty_store_has_no_keys", anybody(|records, _| records.is_empty())),
    ]
}

#[tokio::test]
async fn faulty_store_fails_with_the_name_of_the_rule() {
    for (rule, find) in broken() {
        let contract = store_contract(async |records| Broken(records, Arc::clone(&find)));
        let message = failure(contract).await;
        assert!(message.starts_with(rule), "{rule} expected: {message}");
    }
}

#[tokio::test]
async fn new_store_with_old_keys_fails() {
    let shared = crate::store_contract::memory(Vec::new());
    let contract = store_contract(async |records| {
        for record in records {
            shared.insert_record(record).unwrap();
        }
        shared.clone()
    });
    assert!(failure(contract).await.starts_with("empty_store_has_no_keys"));
}

/// Stores that alter keys, or use keys as names.
#[tokio::test]
async fn store_that_changes_keys_fails_and_shows_none() {
    type Change = fn((String, String)) -> (String, String);
    let changes: [(&str, Change); 6] = [
        ("key_is_found_by_its_exact_text", |(key, name)| (key.to_lowercase(), name)),
        ("key_is_found_by_its_exact_text", |(key, name)| {
            (key.trim_start_matches('0').to_owned(), name)
        }),
        ("key_is_found_by_its_exact_text", |(key, name)| (key.chars().take(72).collect(), name)),
        ("key_is_found_by_its_exact_text", |(key, name)| {
            (key.parse().map_or(key.clone(), |number: f64| number.to_string()), name)
        }),
        ("key_is_found_by_its_exact_text", |(key, name)| (format!("{key}\n"), name)),
        (r#"record_is_kept: ["client""#, |(key, _)| (key.clone(), key)),
    ];
    for (rule, change) in changes {
        let seen = Mutex::new(Vec::new());
        let contract = key_contract(async |keys: Vec<(String, String)>| {
            seen.lock().unwrap().extend(keys.iter().map(|(key, _)| key[..16].to_owned()));
            let records = keys.into_iter().map(change);
            let record =
                |(key, name): (String, String)| KeyRecord::new(KeyDigest::of(key.as_bytes()), name);
            Broken(records.map(record).collect(), found(|all, digest| Ok(right(all, digest))))
        });
        let message = failure(contract).await;
        assert!(message.starts_with(rule), "{rule} expected: {message}");
        let seen = seen.into_inner().unwrap();
        assert!(seen.iter().all(|key| !message.contains(key)), "a key is shown");
    }
}
