//! A store that changes during lookups.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use keygate::key::KeyState;
use keygate::manage::KeyError;
use keygate::{KeyDigest, KeyId, KeyRecord, LocalKeyStore as _, MemoryStore};

use crate::concurrency::{digest, key};

const KEYS: usize = 4_800;
const READERS: usize = 2;

/// The number of changes that have returned, and whether there will be more.
#[derive(Default)]
struct Progress {
    done: AtomicUsize,
    is_over: AtomicBool,
}

/// Ends the progress even if a change panics, since readers would wait forever.
struct Writer<'a>(&'a Progress);

impl Writer<'_> {
    fn done(&self, count: usize) {
        self.0.done.store(count, Ordering::Release);
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Release);
    }
}

impl Progress {
    /// Changes the store step by step while readers check it. Each check gets the number of steps that have returned
    /// before it, and an index that cycles through all keys.
    fn watch(&self, change: impl FnOnce(&Writer<'_>) + Send, look: impl Fn(usize, usize) + Sync) {
        let start = Barrier::new(READERS + 1);
        thread::scope(|scope| {
            for reader in 0..READERS {
                let (start, look) = (&start, &look);
                scope.spawn(move || {
                    start.wait();
                    let mut index = reader;
                    while !self.is_over.load(Ordering::Acquire) {
                        // A stride that is coprime to the number of keys.
                        index = (index + 1_999) % KEYS;
                        look(self.done.load(Ordering::Acquire), index);
                    }
                    (0..KEYS).for_each(|index| look(self.done.load(Ordering::Acquire), index));
                });
            }
            let writer = Writer(self);
            start.wait();
            change(&writer);
        });
    }
}

fn digests() -> Vec<KeyDigest> {
    (0..KEYS).map(digest).collect()
}

fn id(digest: KeyDigest) -> KeyId {
    KeyRecord::new(digest, "").key_id()
}

fn state(store: &MemoryStore, digest: KeyDigest) -> Option<KeyState> {
    store.find(&digest).unwrap().map(|record| {
        assert_eq!(record.digest(), digest);
        record.state()
    })
}

#[test]
fn all_threads_find_a_key_once_insert_returned() {
    let (store, digests) = (MemoryStore::new(), digests());
    Progress::default().watch(
        |writer| {
            for number in 0..KEYS {
                store.insert(key(number), "User 1").unwrap();
                writer.done(number + 1);
            }
        },
        |done, index| {
            assert!(store.len() >= done);
            let newest = done.checked_sub(1);
            for known in newest.into_iter().chain(Some(index).filter(|index| *index < done)) {
                assert_eq!(state(&store, digests[known]), Some(KeyState::Active), "{known}");
            }
        },
    );
    assert_eq!((store.len(), store.client_count()), (KEYS, 1));
}

#[test]
fn all_threads_refuse_a_key_once_revoke_returned() {
    let store = MemoryStore::from_keys((0..KEYS).map(|number| (key(number), "User 1"))).unwrap();
    let digests = digests();
    let seen_revoked: Vec<_> = (0..KEYS).map(|_| AtomicBool::new(false)).collect();
    Progress::default().watch(
        |writer| {
            for (number, digest) in digests.iter().enumerate() {
                store.revoke(&id(*digest)).unwrap();
                writer.done(number + 1);
            }
        },
        |done, index| {
            for known in done.checked_sub(1).into_iter().chain([index]) {
                let was_revoked = known < done || seen_revoked[known].load(Ordering::Acquire);
                let state = state(&store, digests[known]).expect("no key is ever lost");
                assert!(state == KeyState::Revoked || !was_revoked, "{known} came back");
                seen_revoked[known].fetch_or(state == KeyState::Revoked, Ordering::AcqRel);
            }
        },
    );
    assert_eq!((store.len(), store.client_count()), (0, 1));
}

#[test]
fn changes_of_many_threads_are_all_kept() {
    const WRITERS: usize = 4;
    let store = MemoryStore::new();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = store.clone();
            scope.spawn(move || {
                for number in (writer..KEYS).step_by(WRITERS) {
                    let name = format!("User {}", number % 100);
                    let key_id = store.insert(key(number), name).unwrap();
                    if number % 3 == 0 {
                        store.revoke(&key_id).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!((store.len(), store.client_count()), (KEYS / 3 * 2, 100));
    let mut names: Vec<_> = (0..100).map(|number| format!("User {number}")).collect();
    names.sort();
    assert!(store.profiles().iter().map(keygate::ClientProfile::name).eq(names));
    for (number, digest) in digests().into_iter().enumerate() {
        let expected = if number % 3 == 0 { KeyState::Revoked } else { KeyState::Active };
        assert_eq!(state(&store, digest), Some(expected), "{number}");
        let record = store.find(&digest).unwrap().unwrap();
        assert_eq!(record.profile().name(), format!("User {}", number % 100));
    }
}

#[test]
fn key_inserted_by_many_threads_belongs_to_one() {
    const WRITERS: usize = 4;
    const RACES: usize = 1_000;
    let store = MemoryStore::new();
    let start = Barrier::new(WRITERS);
    let won: Vec<Vec<bool>> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, start) = (&store, &start);
                scope.spawn(move || {
                    start.wait();
                    let insert = |number| match store.insert(key(number), format!("User {writer}"))
                    {
                        Ok(_) => true,
                        Err(KeyError::Duplicate { .. }) => false,
                        Err(other) => panic!("{other}"),
                    };
                    (0..RACES).map(insert).collect()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(store.len(), RACES);
    for number in 0..RACES {
        let winners = won.iter().enumerate().filter(|(_, won)| won[number]);
        let winners: Vec<_> = winners.map(|(writer, _)| writer).collect();
        let [winner] = winners[..] else { panic!("{winners:?} won key {number}") };
        let record = store.find(&digest(number)).unwrap().unwrap();
        assert_eq!(record.profile().name(), format!("User {winner}"));
    }
}

#[test]
fn key_revoked_during_inserts_stays_revoked() {
    let store = MemoryStore::new();
    for number in 0..200 {
        let insert = || (0..50).filter(|_| store.insert(key(number), "User 1").is_ok()).count();
        let key_id = id(digest(number));
        let inserted: usize = thread::scope(|scope| {
            let writers = [scope.spawn(insert), scope.spawn(insert)];
            // The first lookups may come before the first insert.
            for _ in 0..50 {
                let revoked = store.revoke(&key_id).is_ok();
                let state = state(&store, digest(number));
                assert!(!revoked || state == Some(KeyState::Revoked), "{number} came back");
            }
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        assert_eq!((inserted, store.revoke(&key_id).is_ok()), (1, true), "{number}");
        assert_eq!(state(&store, digest(number)), Some(KeyState::Revoked), "{number}");
    }
    assert_eq!((store.len(), store.client_count()), (0, 1));
}
