use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::carry::Part;
use super::counters::Tally;
use super::gcra::Limit;
use crate::quota::{Quota, Rate};

/// What one client has spent of one quota.
///
/// For each rate it is the instant, in nanoseconds since 1970, at which the whole burst is there again.
/// An account that is closed counts nothing any more: another is taking its place, or it goes.
pub(super) struct Account {
    quota: Quota,
    spent: Spent,
    /// Of units that this quota does not have and an earlier one had, so that a day is still spent when
    /// the day comes back.
    resting: Box<[Part]>,
}

enum Spent {
    One(Limit, AtomicU64),
    /// All rates are asked before any is spent, so one lock is for all of them; no other client's.
    Several(Box<[Limit]>, Mutex<Option<Box<[u64]>>>),
}

const CLOSED: u64 = u64::MAX;

impl Account {
    pub(super) fn new(quota: &Quota) -> Self {
        Self::carrying(quota, &[], 0)
    }

    /// An account of a client that has spent this of other quotas.
    pub(super) fn carrying(quota: &Quota, parts: &[Part], now: u64) -> Self {
        let rates = quota.rates();
        let limits = rates.iter().map(Limit::of).collect::<Box<[_]>>();
        let full_at = |(rate, limit): (&Rate, &Limit)| Part::carry(parts, rate, *limit, now);
        let mut all = rates.iter().zip(&limits).map(full_at).collect::<Box<[_]>>();
        let spent = match (&*limits, &mut *all) {
            ([limit], [full_at]) => Spent::One(*limit, AtomicU64::new(*full_at)),
            _ => Spent::Several(limits, Mutex::new(Some(all))),
        };
        Self { quota: quota.clone(), spent, resting: Part::resting(quota, parts, now) }
    }

    #[inline]
    pub(super) fn is_of(&self, quota: &Quota) -> bool {
        self.quota.is_same(quota) || self.quota == *quota
    }

    /// Counts one request, if all rates allow it; `None` where the account is closed.
    ///
    /// `now` may have been read some time ago. Who is refused by it is judged by the clock as it is
    /// `again`, read when what others have spent was seen: so that only a clock that was set back puts
    /// what was spent after `now` in doubt.
    #[inline]
    pub(super) fn spend(&self, now: u64, again: impl Fn() -> u64) -> Option<Standing> {
        match &self.spent {
            Spent::One(limit, full_at) => spend_one(*limit, full_at, now, again),
            Spent::Several(limits, all) => {
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                Some(spend_several(limits, all.as_mut()?, now, again))
            }
        }
    }

    /// Closes the account and says what is spent of it; `None` where it is closed already.
    pub(super) fn close(&self) -> Option<Vec<Part>> {
        let part =
            |(rate, (limit, full_at)): (&Rate, (&Limit, u64))| Part::new(rate, *limit, full_at);
        let rates = self.quota.rates().iter();
        let mut parts: Vec<_> = match &self.spent {
            Spent::One(limit, full_at) => {
                let last = Some(full_at.swap(CLOSED, Ordering::Relaxed));
                let last = last.filter(|last| *last != CLOSED)?;
                rates.zip([(limit, last)]).map(part).collect()
            }
            Spent::Several(limits, all) => {
                let last = all.lock().unwrap_or_else(PoisonError::into_inner).take()?;
                rates.zip(limits.iter().zip(last)).map(part).collect()
            }
        };
        parts.extend_from_slice(&self.resting);
        Some(parts)
    }

    /// Closes the account if nothing of it is spent any more, so that a new one would be the same.
    pub(super) fn close_if_full(&self, now: u64) -> bool {
        if !self.resting.iter().all(|part| part.is_full(now)) {
            return false;
        }
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

/// How a client stands with the tightest of its rates.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    rate: usize,
    limit: Limit,
    full_at: u64,
    now: u64,
    /// How long until a request is allowed; zero where this one is.
    wait: u64,
}

impl Standing {
    #[inline]
    pub(super) fn is_allowed(&self) -> bool {
        self.wait == 0
    }

    #[inline]
    pub(super) fn tally(&self) -> Tally {
        if !self.is_allowed() {
            return Tally::refused(self.rate, Duration::from_nanos(self.wait));
        }
        let remaining = self.limit.remaining(self.full_at, self.now);
        let wait = Duration::from_nanos(self.limit.wait(self.full_at, self.now));
        Tally::allowed(self.rate, remaining, wait)
    }
}

#[inline]
fn spend_one(
    limit: Limit,
    full_at: &AtomicU64,
    now: u64,
    again: impl Fn() -> u64,
) -> Option<Standing> {
    let last = full_at.load(Ordering::Relaxed);
    // Nothing else is read or written by what is decided here, so the order of the one value is all
    // that counts.
    if let Ok(next) = limit.spend(last, now)
        && full_at.compare_exchange(last, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    {
        return Some(Standing { rate: 0, limit, full_at: next, now, wait: 0 });
    }
    spend_one_again(limit, full_at, again)
}

#[inline(never)]
fn spend_one_again(limit: Limit, full_at: &AtomicU64, again: impl Fn() -> u64) -> Option<Standing> {
    loop {
        // First this, and then the clock.
        let last = full_at.load(Ordering::Acquire);
        if last == CLOSED {
            return None;
        }
        let now = again();
        let (next, wait) = match limit.spend(last, now) {
            Ok(next) => (next, 0),
            // The clock went back, if that is less.
            Err(wait) => (last.min(limit.latest(now)), wait.min(limit.step())),
        };
        let relaxed = Ordering::Relaxed;
        if next == last || full_at.compare_exchange(last, next, relaxed, relaxed).is_ok() {
            return Some(Standing { rate: 0, limit, full_at: next, now, wait });
        }
    }
}

fn spend_several(limits: &[Limit], all: &mut [u64], now: u64, again: impl Fn() -> u64) -> Standing {
    let spent = |now| move |(limit, full_at): (&Limit, &u64)| limit.spend(*full_at, now);
    let mut now = now;
    if limits.iter().zip(&*all).map(spent(now)).any(|spent| spent.is_err()) {
        now = again();
        for (limit, full_at) in limits.iter().zip(&mut *all) {
            // The clock went back, if that is less.
            *full_at = limit.latest(now).min(*full_at);
        }
    }
    let waits = limits.iter().zip(&*all).map(spent(now)).enumerate();
    let refusal = waits.filter_map(|(rate, spent)| Some((spent.err()?, rate))).max();
    if let Some((wait, rate)) = refusal {
        return Standing { rate, limit: limits[rate], full_at: all[rate], now, wait };
    }
    let mut tightest: Option<((u64, Reverse<u64>), Standing)> = None;
    for (rate, (limit, full_at)) in limits.iter().zip(all).enumerate() {
        *full_at = limit.spend(*full_at, now).unwrap_or(*full_at);
        // Where several have none left, the one that has none for longest.
        let left = (limit.remaining(*full_at, now), Reverse(limit.wait(*full_at, now)));
        if tightest.is_none_or(|(least, _)| left < least) {
            let standing = Standing { rate, limit: *limit, full_at: *full_at, now, wait: 0 };
            tightest = Some((left, standing));
        }
    }
    // A quota that is not unlimited has rates.
    tightest.map_or(Standing { rate: 0, limit: Limit::NONE, full_at: now, now, wait: 0 }, |it| it.1)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A minute after 1970, in which one request is earned each second.
    const NOW: u64 = 60_000_000_000;
    const SECOND: u64 = 1_000_000_000;

    fn accounts() -> [Account; 2] {
        let rate = |text: &str, burst| text.parse::<crate::Rate>()?.with_burst(burst);
        let second = rate("1/second", 2).unwrap();
        let several = Quota::all_of([second, rate("600/minute", 600).unwrap()]).unwrap();
        [second.into(), several].map(|quota| Account::new(&quota))
    }

    #[test]
    fn who_read_the_clock_earlier_gives_nothing_back() {
        for account in accounts() {
            let allowed = |read, now| account.spend(read, || now).unwrap().is_allowed();
            assert!(allowed(NOW, NOW) && allowed(NOW, NOW));
            // Were its instant that of a clock set back, half a second would be given back each time.
            for _ in 0..10 {
                assert!(!allowed(NOW - SECOND / 2, NOW));
            }
            assert!(!allowed(NOW + SECOND - 1, NOW + SECOND - 1));
            assert!(allowed(NOW + SECOND, NOW + SECOND));
        }
    }

    #[test]
    fn who_read_the_clock_earlier_has_what_was_earned_since() {
        for account in accounts() {
            let allowed = |read, now| account.spend(read, || now).unwrap().is_allowed();
            assert!(allowed(NOW, NOW) && allowed(NOW, NOW));
            assert!(allowed(NOW, NOW + SECOND));
            assert!(!allowed(NOW, NOW + SECOND));
        }
    }

    #[test]
    fn clock_is_read_again_for_those_alone_who_are_refused() {
        for account in accounts() {
            let read = Cell::new(0);
            let spend = || {
                account.spend(NOW, || {
                    read.set(read.get() + 1);
                    NOW
                })
            };
            assert!(spend().unwrap().is_allowed() && spend().unwrap().is_allowed());
            assert_eq!(read.get(), 0);
            assert!(!spend().unwrap().is_allowed());
            assert_eq!(read.get(), 1);
        }
    }
}
