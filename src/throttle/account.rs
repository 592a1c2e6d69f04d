use std::sync::atomic::{AtomicU64, Ordering};

use super::carry::{Part, carried};
use super::gcra::Limit;
use super::several::Several;
use super::standing::Standing;
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
    Several(Box<Several>),
}

const CLOSED: u64 = u64::MAX;

impl Account {
    /// An account of a client that has spent this of other quotas.
    pub(super) fn carrying(quota: &Quota, parts: &[Part], now: u64) -> Self {
        let limits = quota.rates().iter().map(Limit::of).collect::<Box<[_]>>();
        let all = carried(quota, parts, now);
        let resting = Part::resting(quota, parts);
        let spent = match (&*limits, &*all, &*resting) {
            ([limit], [full_at], []) => Spent::One(*limit, AtomicU64::new(*full_at)),
            _ => Spent::Several(Box::new(Several::new(limits, all, resting))),
        };
        Self { quota: quota.clone(), spent }
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
            Spent::Several(several) => several.spend(now, again),
        }
    }

    /// Closes the account and says what is spent of it; `None` where it is closed already.
    pub(super) fn close(&self) -> Option<Vec<Part>> {
        let rates = self.quota.rates();
        match &self.spent {
            Spent::Several(several) => several.close(rates),
            Spent::One(_, full_at) => {
                let last = Some(full_at.swap(CLOSED, Ordering::Relaxed));
                let last = last.filter(|last| *last != CLOSED)?;
                Some(rates.iter().map(|rate| Part::new(*rate, last)).collect())
            }
        }
    }

    /// Closes the account if nothing of it is spent any more, so that a new one would be the same.
    pub(super) fn close_if_full(&self, now: u64) -> bool {
        match &self.spent {
            Spent::Several(several) => several.close_if_full(now),
            Spent::One(limit, full_at) => {
                let last = full_at.load(Ordering::Relaxed);
                let next = match limit.latest(now) {
                    _ if last <= now => CLOSED,
                    // The clock went back.
                    latest if last != CLOSED => last.min(latest),
                    _ => last,
                };
                let relaxed = Ordering::Relaxed;
                let changed =
                    next != last && full_at.compare_exchange(last, next, relaxed, relaxed).is_ok();
                changed && next == CLOSED
            }
        }
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
        [second.into(), several].map(|quota| Account::carrying(&quota, &[], 0))
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
