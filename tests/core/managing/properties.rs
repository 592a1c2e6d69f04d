//! Any sequence of changes has the same effect on the store and on the model.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use keygate::key::KeyState;
use keygate::manage::{ManageError, PurgeKeys};
use keygate::testing::FakeClock;
use keygate::{
    Authenticator, ClientProfile, KeyDigest, LocalKeyStore as _, MemoryStore, NewKey, WrongReason,
};
use proptest::prelude::*;

use crate::managing::model::{Change, Changed, Model};

const NAMES: [&str; 4] = ["App 1", "App 2", "app 1", "Zeta"];
const LABELS: [&str; 3] = ["production", " outer blank", "mobile"];
const KEYS: usize = 10;

/// One step, as numbers, so that failures shrink to the smallest ones.
#[derive(Clone, Debug)]
enum Step {
    Change(Kind, usize, usize),
    /// The expiry, if any, counts seconds from now.
    Issue {
        name: usize,
        key: usize,
        label: Option<usize>,
        expires: Option<i64>,
    },
    Rotate {
        key: usize,
        successor: usize,
        label: Option<usize>,
        grace: u64,
    },
    /// The minimum ages, in seconds, of the revocations and expiries to purge, and whether it is a dry run.
    Purge(Option<u64>, Option<u64>, bool),
    /// Milliseconds, so that instants are not whole seconds.
    Advance(u64),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Add,
    Enable,
    Disable,
    Remove,
    Revoke,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![
        4 => Just(Kind::Add),
        2 => Just(Kind::Enable),
        2 => Just(Kind::Disable),
        1 => Just(Kind::Remove),
        2 => Just(Kind::Revoke),
    ];
    let label = || proptest::option::of(0..LABELS.len());
    let ago = || proptest::option::of(0..20_u64);
    let grace = prop_oneof![Just(0), 0..40_u64, Just(u64::MAX)];
    let step = prop_oneof![
        4 => (kind, 0..NAMES.len(), 0..KEYS)
            .prop_map(|(kind, name, key)| Step::Change(kind, name, key)),
        4 => (0..NAMES.len(), 0..KEYS, label(), proptest::option::of(-2..40_i64))
            .prop_map(|(name, key, label, expires)| Step::Issue { name, key, label, expires }),
        4 => (0..KEYS, 0..KEYS, label(), grace)
            .prop_map(|(key, successor, label, grace)| Step::Rotate { key, successor, label, grace }),
        2 => (ago(), ago(), proptest::bool::ANY)
            .prop_map(|(revoked, expired, is_dry_run)| Step::Purge(revoked, expired, is_dry_run)),
        2 => (0..30_000_u64).prop_map(Step::Advance),
    ];
    proptest::collection::vec(step, 1..60)
}

/// The last key has the id of the first, and another digest.
fn digest(key: usize) -> KeyDigest {
    if key == KEYS - 1 {
        let mut bytes = digest(0).to_bytes();
        bytes[31] ^= 1;
        return KeyDigest::from_bytes(bytes);
    }
    KeyDigest::of(text(key).as_bytes())
}

fn text(key: usize) -> String {
    format!("a-key-for-tests-{key:08}")
}

fn profile(name: usize) -> ClientProfile {
    let profile = ClientProfile::new(NAMES[name]);
    if name == 1 { profile.with_scopes(["orders:read".parse().unwrap()]) } else { profile }
}

fn labelled(new: NewKey, label: Option<usize>) -> NewKey {
    label.into_iter().fold(new, |new, label| new.with_label(LABELS[label]))
}

impl Step {
    fn change(&self, now: SystemTime) -> Option<Change> {
        Some(match *self {
            Self::Change(Kind::Add, name, _) => Change::Add(profile(name)),
            Self::Change(Kind::Enable, name, _) => Change::Enable(NAMES[name].to_owned()),
            Self::Change(Kind::Disable, name, _) => Change::Disable(NAMES[name].to_owned()),
            Self::Change(Kind::Remove, name, _) => Change::Remove(NAMES[name].to_owned()),
            Self::Change(Kind::Revoke, _, key) => Change::Revoke(NewKey::new(digest(key)).key_id()),
            Self::Issue { name, key, label, expires } => {
                let expires = expires.map(|seconds| {
                    let by = Duration::from_secs(seconds.unsigned_abs());
                    if seconds < 0 { now - by } else { now + by }
                });
                let new = labelled(NewKey::new(digest(key)), label).with_expiry(expires);
                Change::Issue(NAMES[name].to_owned(), new)
            }
            Self::Rotate { key, successor, label, grace } => {
                let new = labelled(NewKey::new(digest(successor)), label);
                Change::Rotate(NewKey::new(digest(key)).key_id(), new, Duration::from_secs(grace))
            }
            Self::Purge(revoked, expired, is_dry_run) => {
                let ago = |seconds| now - Duration::from_secs(seconds);
                let purge = if is_dry_run { PurgeKeys::new().dry_run() } else { PurgeKeys::new() };
                let purge = revoked.map(ago).into_iter().fold(purge, PurgeKeys::revoked_before);
                let purge = expired.map(ago).into_iter().fold(purge, PurgeKeys::expired_before);
                Change::Purge(purge)
            }
            Self::Advance(_) => return None,
        })
    }
}

fn make(store: &MemoryStore, change: Change) -> Result<Changed, ManageError> {
    Ok(match change {
        Change::Add(profile) => Changed::Client(store.add_client(profile)?),
        Change::UpdateClient(name, change) => Changed::Client(store.update_client(&name, change)?),
        Change::Enable(name) => Changed::Client(store.enable_client(&name)?),
        Change::Disable(name) => Changed::Client(store.disable_client(&name)?),
        Change::Remove(name) => Changed::Client(store.remove_client(&name)?),
        Change::Issue(name, new) => Changed::Key(store.issue(&name, new)?),
        Change::UpdateKey(id, change) => Changed::Key(store.update_key(&id, change)?),
        Change::Revoke(id) => Changed::Key(store.revoke(&id)?),
        Change::Rotate(id, new, grace) => Changed::Rotated(store.rotate(&id, new, grace)?),
        Change::Purge(purge) => Changed::Purged(store.purge_keys(&purge)?),
        Change::Policy(change) => Changed::Policy(store.update_policy(change)?),
    })
}

/// Errors are compared by their messages, which contain all of their fields.
fn said(result: Result<Changed, ManageError>) -> Result<Changed, String> {
    result.map_err(|error| format!("{error:?}"))
}

fn verified(store: &Authenticator<MemoryStore>, key: usize) -> Result<String, Option<WrongReason>> {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", text(key).parse().unwrap());
    let client = store.verify(&headers).map_err(|error| error.reason())?;
    Ok(client.name().to_owned())
}

/// Everything that a caller of the model can see.
fn right(model: &Model, key: usize, now: SystemTime) -> Result<String, Option<WrongReason>> {
    let record = model.find(digest(key)).ok_or(Some(WrongReason::Unknown))?;
    match record.state() {
        KeyState::Revoked => Err(Some(WrongReason::Revoked)),
        KeyState::Disabled => Err(Some(WrongReason::Disabled)),
        _ if record.expires().is_some_and(|expires| expires <= now) => {
            Err(Some(WrongReason::Expired))
        }
        _ => Ok(record.profile().name().to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn store_matches_the_model(steps in steps()) {
        let clock = FakeClock::at(UNIX_EPOCH + Duration::from_millis(1_800_000_000_600));
        let store = MemoryStore::new().with_clock(clock.reader());
        let auth = Authenticator::new(store.clone()).with_clock(clock.reader());
        let mut model = Model::default();
        for step in steps {
            let now = clock.now();
            match (step.change(now), &step) {
                (Some(change), _) => {
                    let right = said(model.make(change.clone(), now));
                    prop_assert_eq!(said(make(&store, change)), right);
                }
                (None, Step::Advance(millis)) => {
                    clock.advance(Duration::from_millis(*millis));
                }
                (None, _) => unreachable!("every other step is a change"),
            }
            let now = clock.now();
            prop_assert_eq!(store.list_clients(), model.list_clients());
            prop_assert_eq!(store.list_keys(None).unwrap(), model.list_keys(None).unwrap());
            for name in NAMES {
                let [seen, right] = [store.list_keys(Some(name)), model.list_keys(Some(name))]
                    .map(|keys| keys.map_err(|error| error.to_string()));
                prop_assert_eq!(seen, right);
            }
            let live = model.list_clients().iter().map(|client| client.keys).sum::<usize>();
            prop_assert_eq!((store.len(), store.client_count()), (live, model.clients.len()));
            for key in 0..KEYS - 1 {
                prop_assert_eq!(verified(&auth, key), right(&model, key, now));
            }
            let by_hand = digest(KEYS - 1);
            let seen = store.find(&by_hand).unwrap().map(|record| record.state());
            prop_assert_eq!(seen, model.find(by_hand).map(|record| record.state()));
        }
    }
}
