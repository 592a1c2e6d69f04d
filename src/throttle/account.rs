use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::counters::Tally;
use super::gcra::Limit;
use crate::quota::Quota;

/// What one client has spent of one quota.
///
/// For each rate it is the instant, in nanoseconds since 1970, at which the whole burst is there again.
/// An account that is closed counts nothing any more: another is taking its place, or it goes.
pub(super) struct Account {
    quota: Quota,
    spent: Spent,
}

enum Spent {
    One(Limit, AtomicU64),
    /// All rates are asked before any is spent, so one lock is for all of them; no other client's.
    Several(Box<[Limit]>, Mutex<Option<Box<[u64]>>>),
}

const CLOSED: u64 = u64::MAX;

impl Account {
    pub(super) fn new(quota: &Quota) -> Self {
        Self::with_share(quota, 0, 0)
    }

    /// An account of which this share is spent already, in 2^-32 of each burst.
    pub(super) fn with_share(quota: &Quota, share: u64, now: u64) -> Self {
        let limits = quota.rates().iter().map(Limit::of).collect::<Box<[_]>>();
        let full_at = |limit: &Limit| if share == 0 { 0 } else { limit.at_share(share, now) };
        let spent = if let [limit] = *limits {
            Spent::One(limit, AtomicU64::new(full_at(&limit)))
        } else {
            let all = limits.iter().map(full_at).collect();
            Spent::Several(limits, Mutex::new(Some(all)))
        };
        Self { quota: quota.clone(), spent }
    }

    #[inline]
    pub(super) fn is_of(&self, quota: &Quota) -> bool {
        self.quota == *quota
    }

    /// Counts one request, if all rates allow it; `None` where the account is closed.
    #[inline]
    pub(super) fn spend(&self, now: u64) -> Option<Tally> {
        match &self.spent {
            Spent::One(limit, full_at) => spend_one(*limit, full_at, now),
            Spent::Several(limits, all) => {
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                Some(spend_all(limits, all.as_mut()?, now))
            }
        }
    }

    /// Closes the account and says what share of it is spent; `None` where it is closed already.
    pub(super) fn close(&self, now: u64) -> Option<u64> {
        match &self.spent {
            Spent::One(limit, full_at) => {
                let last = full_at.swap(CLOSED, Ordering::Relaxed);
                (last != CLOSED).then(|| limit.share(last, now))
            }
            Spent::Several(limits, all) => {
                let last = all.lock().unwrap_or_else(PoisonError::into_inner).take()?;
                limits.iter().zip(last).map(|(limit, full_at)| limit.share(full_at, now)).max()
            }
        }
    }

    /// Closes the account if nothing of it is spent any more, so that a new one would be the same.
    pub(super) fn close_if_full(&self, now: u64) -> bool {
        match &self.spent {
            Spent::One(_, full_at) => {
                let last = full_at.load(Ordering::Relaxed);
                let relaxed = Ordering::Relaxed;
                last <= now && full_at.compare_exchange(last, CLOSED, relaxed, relaxed).is_ok()
            }
            Spent::Several(_, all) => {
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                let full =
                    all.as_ref().is_some_and(|all| all.iter().all(|full_at| *full_at <= now));
                if full {
                    *all = None;
                }
                full
            }
        }
    }
}

#[inline]
fn spend_one(limit: Limit, full_at: &AtomicU64, now: u64) -> Option<Tally> {
    let mut last = full_at.load(Ordering::Relaxed);
    loop {
        if last == CLOSED {
            return None;
        }
        let latest = limit.latest(now);
        if last > latest {
            // The clock went back.
            let _ = full_at.compare_exchange(last, latest, Ordering::Relaxed, Ordering::Relaxed);
            last = full_at.load(Ordering::Relaxed);
            continue;
        }
        let next = match limit.spend(last, now) {
            Ok(next) => next,
            Err(wait) => return Some(refused(0, limit, last, now, wait)),
        };
        // Nothing else is read or written by what is decided here, so the order of the one value is
        // all that counts.
        match full_at.compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return Some(allowed(0, limit, next, now)),
            Err(other) => last = other,
        }
    }
}

fn spend_all(limits: &[Limit], all: &mut [u64], now: u64) -> Tally {
    for (limit, full_at) in limits.iter().zip(&mut *all) {
        *full_at = limit.latest(now).min(*full_at);
    }
    let spent = |(limit, full_at): (&Limit, &u64)| limit.spend(*full_at, now);
    let waits = limits.iter().zip(&*all).map(spent).enumerate();
    let refusal = waits.filter_map(|(rate, spent)| Some((spent.err()?, rate))).max();
    if let Some((wait, rate)) = refusal {
        return refused(rate, limits[rate], all[rate], now, wait);
    }
    let mut tightest: Option<Tally> = None;
    for (rate, (limit, full_at)) in limits.iter().zip(all).enumerate() {
        *full_at = limit.spend(*full_at, now).unwrap_or(*full_at);
        let tally = allowed(rate, *limit, *full_at, now);
        if tightest.is_none_or(|tightest| tally.remaining < tightest.remaining) {
            tightest = Some(tally);
        }
    }
    // A quota that is not unlimited has rates.
    tightest.unwrap_or(Tally::allowed(0, u64::MAX, Duration::ZERO))
}

#[inline]
fn allowed(rate: usize, limit: Limit, full_at: u64, now: u64) -> Tally {
    let full_in = Duration::from_nanos(limit.owed(full_at, now));
    Tally::allowed(rate, limit.remaining(full_at, now), full_in)
}

#[cold]
fn refused(rate: usize, limit: Limit, full_at: u64, now: u64, wait: u64) -> Tally {
    let full_in = Duration::from_nanos(limit.owed(full_at, now));
    Tally::refused(rate, Duration::from_nanos(wait), full_in)
}
