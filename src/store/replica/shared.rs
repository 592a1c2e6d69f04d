//! The state that handles read and the follower writes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::health::ReplicaHealth;
use crate::error::StoreError;
use crate::key::KeyDigest;
use crate::store::sql::DatabaseError;
use crate::store::table::Table;
use crate::store::{LocalKeyStore, LookupResult};

/// After this time without contact, an unknown key may have been issued meanwhile. It is four polls long, so that one
/// late or lost poll makes no difference.
const MIN_CONTACT_TIMEOUT: Duration = Duration::from_secs(2);

/// For a distant database, the timeout is the poll interval plus the duration of this many polls, up to a maximum.
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

/// The interval between polls without a notification: a lost notification delays a change by at most half a second.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(500);

pub(super) struct Shared {
    /// A [`Status`]. It is stored, since computing it for each request would read the clock.
    status: AtomicU8,
    pub(super) table: Table,
    /// Keys whose rows cannot be used.
    refused: ArcSwap<HashSet<KeyDigest>>,
    /// The last contact, in milliseconds since `started`; the minimum value if there was none.
    contact: AtomicI64,
    /// The duration of a poll in milliseconds.
    poll_time: AtomicU64,
    started: Instant,
    max_staleness: Duration,
    health: Mutex<ReplicaHealth>,
    pub(super) progress: watch::Sender<Progress>,
    /// Notified when changes are served.
    pub(super) changes: watch::Sender<()>,
}

/// The state that callers of [`Replica::ready`](super::Replica::ready) wait for.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// The first attempt to connect.
    Connecting,
    /// The keys are being loaded, unless the session fails.
    Loading,
    /// The last session failed. The next one may succeed.
    Unreachable,
    /// Retrying alone does not help: the database can be reached.
    Failed(DatabaseError),
    /// The final state.
    Ready,
}

impl Shared {
    pub(super) fn new(max_staleness: Duration) -> Self {
        Self {
            status: AtomicU8::new(Status::NotReady as u8),
            table: Table::new(),
            refused: ArcSwap::default(),
            contact: AtomicI64::new(i64::MIN),
            poll_time: AtomicU64::new(0),
            started: Instant::now(),
            max_staleness,
            health: Mutex::default(),
            progress: watch::Sender::new(Progress::Connecting),
            changes: watch::Sender::new(()),
        }
    }

    #[inline]
    pub(super) fn status(&self) -> Status {
        match self.status.load(Ordering::Acquire) {
            0 => Status::NotReady,
            1 => Status::Fresh,
            2 => Status::OutOfContact,
            3 => Status::Stale,
            _ => Status::Ended,
        }
    }

    /// Stops serving for good.
    pub(super) fn end(&self) {
        self.status.store(Status::Ended as u8, Ordering::Release);
        if self.lock_health().error.is_none() {
            self.set_error(DatabaseError::Unavailable(error(Status::Ended)));
        }
    }

    /// Sets the reason why the database is not followed, and returns the previous one.
    pub(super) fn set_error(&self, error: DatabaseError) -> Option<DatabaseError> {
        let mut health = self.lock_health();
        health.failing_since.get_or_insert_with(SystemTime::now);
        health.error.replace(error)
    }

    /// Decides about a key that was not in the table.
    #[cold]
    fn miss(&self, digest: &KeyDigest) -> LookupResult {
        // On a busy machine, the watchdog may be late. The status is read before the table, so that the table is at
        // least as new.
        let status = self.current_status();
        loop {
            let refused = self.refused.load();
            if refused.contains(digest) {
                return Err(StoreError::new("the row of the key cannot be used"));
            }
            if let Some(record) = self.table.find(digest) {
                return Ok(Some(record));
            }
            // Otherwise keys have moved between the two meanwhile.
            if Arc::ptr_eq(&refused, &self.refused.load()) {
                break;
            }
        }
        if status == Status::Fresh { Ok(None) } else { Err(error(Status::OutOfContact)) }
    }

    /// Time since the last contact, if there was any.
    pub(super) fn since_contact(&self) -> Option<Duration> {
        let contact = self.contact.load(Ordering::Acquire);
        let now = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let since = (contact != i64::MIN).then(|| now.saturating_sub(contact))?;
        Some(Duration::from_millis(u64::try_from(since).unwrap_or(0)))
    }

    /// The time of the last contact, by the current system clock, which may have been changed since.
    pub(super) fn last_contact(&self) -> Option<SystemTime> {
        SystemTime::now().checked_sub(self.since_contact()?)
    }

    /// Records that the served keys are at most this old.
    pub(super) fn record_contact(&self, age: Duration) {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let now = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.contact.store(now.saturating_sub(age), Ordering::Release);
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

    /// Updates the status. The follower and the watchdog both call this, so it repeats until nothing changes.
    pub(super) fn update_status(&self) {
        let update = |before| {
            let now = self.current_status() as u8;
            (before != Status::Ended as u8 && before != now).then_some(now)
        };
        let ordering = (Ordering::AcqRel, Ordering::Acquire);
        while self.status.fetch_update(ordering.0, ordering.1, update).is_ok() {}
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
    /// A key that moves between the two is always in at least one of them.
    pub(super) fn change(&self, refused: Option<HashSet<KeyDigest>>, change: impl FnOnce(&Table)) {
        let Some(refused) = refused else { return change(&self.table) };
        let all = self.refused.load().union(&refused).copied().collect();
        self.refused.store(Arc::new(all));
        change(&self.table);
        self.refused.store(Arc::new(refused));
    }

    pub(super) fn set_progress(&self, next: Progress) {
        self.progress.send_if_modified(|progress| {
            let is_ready = matches!(progress, Progress::Ready);
            if !is_ready {
                *progress = next;
            }
            !is_ready
        });
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
        let status = self.status();
        if !is_served(status) {
            return Err(error(status));
        }
        match self.table.find(digest) {
            Some(record) => Ok(Some(record)),
            None => self.miss(digest),
        }
    }
}

#[inline]
fn is_served(status: Status) -> bool {
    match status {
        Status::Fresh | Status::OutOfContact => true,
        Status::NotReady | Status::Stale | Status::Ended => false,
    }
}

#[cold]
fn error(status: Status) -> StoreError {
    StoreError::new(match status {
        Status::NotReady | Status::Fresh => "the replica has not loaded the keys yet",
        Status::OutOfContact => {
            "the replica has no contact with the database, and does not know the key"
        }
        Status::Stale => "the replica has had no contact with the database for too long",
        Status::Ended => "the replica no longer follows the database",
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::client::ClientProfile;
    use crate::key::PackedStatus;
    use crate::store::replica::follower::start_watchdog;
    use crate::store::table::Row;

    const STALENESS: Duration = Duration::from_millis(100);

    fn contacted_once() -> Arc<Shared> {
        let shared = Arc::new(Shared::new(STALENESS));
        shared.record_contact(Duration::ZERO);
        shared
    }

    #[test]
    fn keys_become_stale_without_a_follower() {
        let shared = contacted_once();
        start_watchdog(&shared).unwrap();
        assert!(shared.find(&KeyDigest::of(b"unknown")).is_ok());
        let since = Instant::now();
        while shared.status() != Status::Stale {
            assert!(since.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(1));
        }
        assert!(shared.find(&KeyDigest::of(b"unknown")).is_err());
        shared.end();
    }

    #[test]
    fn readiness_does_not_wait_for_the_watchdog() {
        let shared = contacted_once();
        assert!(shared.is_ready());
        thread::sleep(2 * STALENESS);
        assert_eq!(shared.status(), Status::Fresh);
        assert!(!shared.is_ready() && !shared.health().is_ready);
    }

    #[test]
    fn ended_replica_stays_ended() {
        let shared = contacted_once();
        shared.end();
        shared.record_contact(Duration::ZERO);
        assert!(shared.status() == Status::Ended && !shared.is_ready());
    }

    #[test]
    fn ended_replica_reports_since_when_and_why() {
        let shared = contacted_once();
        assert!(shared.health().failing_since.is_none());
        shared.end();
        let health = shared.health();
        assert!(health.failing_since.is_some() && health.error.is_some(), "{health:?}");
    }

    #[test]
    fn key_that_moves_during_a_lookup_is_found() {
        let shared = Shared::new(Duration::from_secs(60));
        shared.record_contact(Duration::ZERO);
        let digest = KeyDigest::of(b"moving");
        let row = Row { digest, profile: ClientProfile::new("User 1") };
        shared.change(Some(HashSet::from([digest])), |_| {});
        assert!(shared.find(&digest).is_err());
        shared.change(Some(HashSet::new()), |table| {
            let mut edit = table.edit();
            edit.apply(vec![(digest.prefix(), Some((row, PackedStatus::CLEAR)))]);
            edit.publish();
        });
        // This simulates a search of the table before the change.
        assert!(matches!(shared.miss(&digest), Ok(Some(_))));
        assert!(matches!(shared.miss(&KeyDigest::of(b"unknown")), Ok(None)));
    }
}
