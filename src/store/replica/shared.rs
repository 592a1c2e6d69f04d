//! What the handles read and the follower writes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::ReplicaHealth;
use super::session::POLL;
use crate::error::StoreError;
use crate::key::KeyDigest;
use crate::store::sql::DatabaseError;
use crate::store::table::Table;
use crate::store::{Answer, LocalKeyStore};

/// Without contact for as long, a key that is not here may have been issued meanwhile. Four polls:
/// one that is late or lost changes nothing.
pub(super) const OUT_OF_CONTACT: Duration = Duration::from_secs(2);

/// So many round trips and the pause between two polls are no outage either, up to a limit: a database
/// may be far away.
const TRIPS: u32 = 4;
pub(super) const LONGEST_ALLOWANCE: Duration = Duration::from_secs(5);

/// How far a replica can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Status {
    NotReady,
    Fresh,
    OutOfContact,
    Stale,
    /// Nobody follows the database any more.
    Ended,
}

const STATUS_BITS: u32 = 8;

pub(super) struct Shared {
    /// The status, and above it how often keys have moved between the table and the refused: one
    /// load tells a request all that it needs.
    word: AtomicU64,
    pub(super) table: Table,
    /// Keys whose rows cannot be used.
    refused: ArcSwap<HashSet<KeyDigest>>,
    /// Milliseconds from the start to the last contact; may lie before the start.
    contact: AtomicI64,
    /// Milliseconds that a poll takes.
    trip: AtomicU64,
    started: Instant,
    max_staleness: Duration,
    faults: Faults,
    told: Mutex<ReplicaHealth>,
    pub(super) progress: watch::Sender<Progress>,
}

/// What those hear who wait for the first load.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    Starting,
    Ready,
    /// Waiting does not mend it.
    Failed(DatabaseError),
}

/// Made once, so that an outage allocates nothing for each request.
struct Faults {
    not_ready: StoreError,
    unheard: StoreError,
    stale: StoreError,
    ended: StoreError,
    refused: StoreError,
}

impl Shared {
    pub(super) fn new(max_staleness: Duration) -> Self {
        Self {
            word: AtomicU64::new(Status::NotReady as u64),
            table: Table::new(),
            refused: ArcSwap::default(),
            contact: AtomicI64::new(i64::MIN),
            trip: AtomicU64::new(0),
            started: Instant::now(),
            max_staleness,
            faults: Faults {
                not_ready: StoreError::new("the replica has not loaded the keys yet"),
                unheard: StoreError::new(
                    "the replica is out of contact with the database, and does not know the key",
                ),
                stale: StoreError::new(
                    "the replica has been out of contact with the database for too long",
                ),
                ended: StoreError::new("the replica has ceased to follow the database"),
                refused: StoreError::new("the row of the key cannot be used"),
            },
            told: Mutex::default(),
            progress: watch::Sender::new(Progress::Starting),
        }
    }

    pub(super) fn status(&self) -> Status {
        status(self.word.load(Ordering::Acquire))
    }

    /// Nobody follows the database any more.
    pub(super) fn end(&self) {
        let ended = |word| Some(with_status(word, Status::Ended));
        let _ = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, ended);
        if self.told().error.is_none() {
            self.fails(DatabaseError::Unavailable(self.faults.ended.clone()));
        }
    }

    /// The database is not followed now, for this reason. Gives the reason back for which it was not before.
    pub(super) fn fails(&self, error: DatabaseError) -> Option<DatabaseError> {
        let mut told = self.told();
        told.failing_since.get_or_insert_with(SystemTime::now);
        told.error.replace(error)
    }

    #[cold]
    fn miss(&self, digest: &KeyDigest, word: u64) -> Option<Answer> {
        if self.refused.load().contains(digest) {
            return Some(Err(self.faults.refused.clone()));
        }
        if self.word.load(Ordering::Acquire) != word {
            return None;
        }
        // The clock may be late to say so where the machine is busy.
        let fresh = status(word) == Status::Fresh
            && self.since_contact().is_some_and(|since| since < self.allowance());
        Some(if fresh { Ok(None) } else { Err(self.faults.unheard.clone()) })
    }

    #[cold]
    fn fault(&self, status: Status) -> StoreError {
        match status {
            Status::Ended => &self.faults.ended,
            Status::Stale => &self.faults.stale,
            _ => &self.faults.not_ready,
        }
        .clone()
    }

    /// How long ago the database was last heard of, if ever.
    pub(super) fn since_contact(&self) -> Option<Duration> {
        let contact = self.contact.load(Ordering::Relaxed);
        let now = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let since = (contact != i64::MIN).then(|| now.saturating_sub(contact))?;
        Some(Duration::from_millis(u64::try_from(since).unwrap_or(0)))
    }

    /// By today's clock: it may have been set since.
    pub(super) fn last_contact(&self) -> Option<SystemTime> {
        SystemTime::now().checked_sub(self.since_contact()?)
    }

    /// All that the database answered to what was asked at this time is here.
    pub(super) fn in_contact(&self, asked: Instant) {
        let at = asked.saturating_duration_since(self.started);
        self.contact.store(i64::try_from(at.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.judge();
    }

    /// A poll has taken this long. A longer one counts at once, and a shorter one by and by.
    pub(super) fn polled(&self, trip: Duration) {
        let trip = u64::try_from(trip.as_millis()).unwrap_or(u64::MAX);
        let before = self.trip.load(Ordering::Relaxed);
        self.trip.store(trip.max(before / 4 * 3 + trip / 4), Ordering::Relaxed);
    }

    /// How long after the last contact the database counts as heard of.
    fn allowance(&self) -> Duration {
        let trip = Duration::from_millis(self.trip.load(Ordering::Relaxed));
        (POLL + trip.saturating_mul(TRIPS)).clamp(OUT_OF_CONTACT, LONGEST_ALLOWANCE)
    }

    /// What is held is as old as this.
    pub(super) fn heard_of_before(&self, age: Duration) {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let now = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.contact.store(now.saturating_sub(age), Ordering::Relaxed);
        self.judge();
    }

    /// Says how far the keys can be trusted now. The follower and the clock both do: who finds that the
    /// other was here looks again.
    pub(super) fn judge(&self) {
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            let status = self.status_by_the_clock();
            if matches!(self::status(word), Status::Ended) || self::status(word) == status {
                return;
            }
            let judged = with_status(word, status);
            let set = self.word.compare_exchange(word, judged, Ordering::AcqRel, Ordering::Acquire);
            word = if set.is_ok() { judged } else { self.word.load(Ordering::Acquire) };
        }
    }

    fn status_by_the_clock(&self) -> Status {
        match self.since_contact() {
            None => Status::NotReady,
            Some(since) if since > self.max_staleness => Status::Stale,
            Some(since) if since >= self.allowance() => Status::OutOfContact,
            Some(_) => Status::Fresh,
        }
    }

    /// Changes the keys by `change`; `refused` are all that are refused after it.
    ///
    /// A key that moves between the two is never in neither: readers who found none of it see that
    /// keys have moved, and look again.
    pub(super) fn change(&self, refused: Option<HashSet<KeyDigest>>, change: impl FnOnce(&Table)) {
        let Some(refused) = refused else { return change(&self.table) };
        let both = self.refused.load().union(&refused).copied().collect();
        self.refused.store(Arc::new(both));
        change(&self.table);
        self.word.fetch_add(1 << STATUS_BITS, Ordering::AcqRel);
        self.refused.store(Arc::new(refused));
    }

    pub(super) fn refused(&self) -> HashSet<KeyDigest> {
        HashSet::clone(&self.refused.load())
    }

    pub(super) fn told(&self) -> MutexGuard<'_, ReplicaHealth> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn health(&self) -> ReplicaHealth {
        let mut health = self.told().clone();
        health.is_ready = self.is_ready();
        health.last_contact = self.last_contact();
        health.lag = self.since_contact();
        health.keys = self.table.live();
        health
    }

    pub(super) fn is_ready(&self) -> bool {
        is_served(self.status()) && is_served(self.status_by_the_clock())
    }
}

impl LocalKeyStore for Shared {
    #[inline]
    fn find(&self, digest: &KeyDigest) -> Answer {
        loop {
            let word = self.word.load(Ordering::Acquire);
            let status = status(word);
            if !is_served(status) {
                return Err(self.fault(status));
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
