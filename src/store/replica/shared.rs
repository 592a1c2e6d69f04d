//! The state that handles read and the follower writes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::health::ReplicaHealth;
use super::timing::POLL_INTERVAL;
use crate::error::StoreError;
use crate::key::KeyDigest;
use crate::store::sql::DatabaseError;
use crate::store::table::Table;
use crate::store::{LocalKeyStore, LookupResult};

/// After this time without contact, an unknown key may have been issued meanwhile. Four polls, so that one late or
/// lost poll changes nothing.
const MIN_CONTACT_TIMEOUT: Duration = Duration::from_secs(2);

/// For a distant database, the timeout is the poll interval and this many polls, up to a maximum.
const POLLS: u32 = 4;
pub(super) const MAX_CONTACT_TIMEOUT: Duration = Duration::from_secs(5);

/// How current the keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Status {
    NotReady,
    Fresh,
    OutOfContact,
    Stale,
    /// The follower has ended.
    Ended,
}

const STATUS_BITS: u32 = 8;

pub(super) struct Shared {
    /// The status, and above it a counter of moves between the table and the refused keys, so that a request
    /// needs one atomic load.
    status_word: AtomicU64,
    pub(super) table: Table,
    /// Keys whose rows cannot be used.
    refused: ArcSwap<HashSet<KeyDigest>>,
    /// The last contact, in milliseconds since `started`; negative before it.
    contact: AtomicI64,
    /// The duration of a poll in milliseconds.
    poll_time: AtomicU64,
    started: Instant,
    max_staleness: Duration,
    errors: Errors,
    health: Mutex<ReplicaHealth>,
    pub(super) progress: watch::Sender<Progress>,
}

/// The state that callers of [`Replica::ready`](super::Replica::ready) wait for.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    Starting,
    Ready,
    /// Retrying alone does not help.
    Failed(DatabaseError),
}

/// Created once, so that an outage allocates nothing per request.
struct Errors {
    not_ready: StoreError,
    out_of_contact: StoreError,
    stale: StoreError,
    ended: StoreError,
    refused: StoreError,
}

impl Shared {
    pub(super) fn new(max_staleness: Duration) -> Self {
        Self {
            status_word: AtomicU64::new(Status::NotReady as u64),
            table: Table::new(),
            refused: ArcSwap::default(),
            contact: AtomicI64::new(i64::MIN),
            poll_time: AtomicU64::new(0),
            started: Instant::now(),
            max_staleness,
            errors: Errors {
                not_ready: StoreError::new("the replica has not loaded the keys yet"),
                out_of_contact: StoreError::new(
                    "the replica has no contact with the database, and does not know the key",
                ),
                stale: StoreError::new(
                    "the replica has had no contact with the database for too long",
                ),
                ended: StoreError::new("the replica no longer follows the database"),
                refused: StoreError::new("the row of the key cannot be used"),
            },
            health: Mutex::default(),
            progress: watch::Sender::new(Progress::Starting),
        }
    }

    pub(super) fn status(&self) -> Status {
        status(self.status_word.load(Ordering::Acquire))
    }

    /// Stops serving for good.
    pub(super) fn end(&self) {
        let ended = |word| Some(with_status(word, Status::Ended));
        let _ = self.status_word.fetch_update(Ordering::AcqRel, Ordering::Acquire, ended);
        if self.lock_health().error.is_none() {
            self.set_error(DatabaseError::Unavailable(self.errors.ended.clone()));
        }
    }

    /// Sets the reason why the database is not followed, and returns the previous one.
    pub(super) fn set_error(&self, error: DatabaseError) -> Option<DatabaseError> {
        let mut health = self.lock_health();
        health.failing_since.get_or_insert_with(SystemTime::now);
        health.error.replace(error)
    }

    /// Decides about a key that is not in the table; `None` if keys have moved and the caller must retry.
    #[cold]
    fn miss(&self, digest: &KeyDigest, word: u64) -> Option<LookupResult> {
        if self.refused.load().contains(digest) {
            return Some(Err(self.errors.refused.clone()));
        }
        if self.status_word.load(Ordering::Acquire) != word {
            return None;
        }
        // On a busy machine, the watchdog may be late.
        let fresh = status(word) == Status::Fresh
            && self.since_contact().is_some_and(|since| since < self.contact_timeout());
        Some(if fresh { Ok(None) } else { Err(self.errors.out_of_contact.clone()) })
    }

    #[cold]
    fn error(&self, status: Status) -> StoreError {
        match status {
            Status::Ended => &self.errors.ended,
            Status::Stale => &self.errors.stale,
            Status::NotReady | Status::Fresh | Status::OutOfContact => &self.errors.not_ready,
        }
        .clone()
    }

    /// Time since the last contact, if there was any.
    pub(super) fn since_contact(&self) -> Option<Duration> {
        let contact = self.contact.load(Ordering::Relaxed);
        let now = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let since = (contact != i64::MIN).then(|| now.saturating_sub(contact))?;
        Some(Duration::from_millis(u64::try_from(since).unwrap_or(0)))
    }

    /// The time of the last contact, by the current system clock, which may have been set since.
    pub(super) fn last_contact(&self) -> Option<SystemTime> {
        SystemTime::now().checked_sub(self.since_contact()?)
    }

    /// Records that a poll that started at `started` is served completely.
    pub(super) fn record_contact(&self, started: Instant) {
        let at = started.saturating_duration_since(self.started);
        self.contact.store(i64::try_from(at.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.update_status();
    }

    /// Records the duration of a poll. A longer one counts at once, a shorter one gradually.
    pub(super) fn record_poll_time(&self, poll: Duration) {
        let poll = u64::try_from(poll.as_millis()).unwrap_or(u64::MAX);
        let before = self.poll_time.load(Ordering::Relaxed);
        self.poll_time.store(poll.max(before / 4 * 3 + poll / 4), Ordering::Relaxed);
    }

    /// How long the keys count as fresh after the last contact.
    fn contact_timeout(&self) -> Duration {
        let poll = Duration::from_millis(self.poll_time.load(Ordering::Relaxed));
        (POLL_INTERVAL + poll.saturating_mul(POLLS)).clamp(MIN_CONTACT_TIMEOUT, MAX_CONTACT_TIMEOUT)
    }

    /// Sets the age of the last contact, for keys from a snapshot.
    pub(super) fn set_contact_age(&self, age: Duration) {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let now = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.contact.store(now.saturating_sub(age), Ordering::Relaxed);
        self.update_status();
    }

    /// Updates the status. The follower and the watchdog both do, so a lost race is retried.
    pub(super) fn update_status(&self) {
        let mut word = self.status_word.load(Ordering::Acquire);
        loop {
            let status = self.current_status();
            if matches!(self::status(word), Status::Ended) || self::status(word) == status {
                return;
            }
            let updated = with_status(word, status);
            let set = self.status_word.compare_exchange(
                word,
                updated,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            word = if set.is_ok() { updated } else { self.status_word.load(Ordering::Acquire) };
        }
    }

    fn current_status(&self) -> Status {
        match self.since_contact() {
            None => Status::NotReady,
            Some(since) if since > self.max_staleness => Status::Stale,
            Some(since) if since >= self.contact_timeout() => Status::OutOfContact,
            Some(_) => Status::Fresh,
        }
    }

    /// Applies `change` to the table, and replaces the refused keys by `refused`, if given.
    ///
    /// A key that moves between the two is always in at least one of them: a reader that found it in neither
    /// sees that keys have moved, and retries.
    pub(super) fn change(&self, refused: Option<HashSet<KeyDigest>>, change: impl FnOnce(&Table)) {
        let Some(refused) = refused else { return change(&self.table) };
        let all = self.refused.load().union(&refused).copied().collect();
        self.refused.store(Arc::new(all));
        change(&self.table);
        self.status_word.fetch_add(1 << STATUS_BITS, Ordering::AcqRel);
        self.refused.store(Arc::new(refused));
    }

    pub(super) fn refused(&self) -> HashSet<KeyDigest> {
        HashSet::clone(&self.refused.load())
    }

    pub(super) fn lock_health(&self) -> MutexGuard<'_, ReplicaHealth> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn health(&self) -> ReplicaHealth {
        let mut health = self.lock_health().clone();
        health.is_ready = self.is_ready();
        health.last_contact = self.last_contact();
        health.lag = self.since_contact();
        health.keys = self.table.live();
        health
    }

    pub(super) fn is_ready(&self) -> bool {
        is_served(self.status()) && is_served(self.current_status())
    }
}

impl LocalKeyStore for Shared {
    #[inline]
    fn find(&self, digest: &KeyDigest) -> LookupResult {
        loop {
            let word = self.status_word.load(Ordering::Acquire);
            let status = status(word);
            if !is_served(status) {
                return Err(self.error(status));
            }
            if let Some(record) = self.table.find(digest) {
                return Ok(Some(record));
            }
            if let Some(answer) = self.miss(digest, word) {
                return answer;
            }
        }
    }
}

#[inline]
fn is_served(status: Status) -> bool {
    matches!(status, Status::Fresh | Status::OutOfContact)
}

fn with_status(word: u64, status: Status) -> u64 {
    word >> STATUS_BITS << STATUS_BITS | status as u64
}

#[inline]
fn status(word: u64) -> Status {
    match word & ((1 << STATUS_BITS) - 1) {
        0 => Status::NotReady,
        1 => Status::Fresh,
        2 => Status::OutOfContact,
        3 => Status::Stale,
        _ => Status::Ended,
    }
}
