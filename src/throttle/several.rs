use std::cmp::Reverse;
use std::sync::{Mutex, PoisonError};

use super::carry::Part;
use super::gcra::Limit;
use super::standing::Standing;
use crate::quota::Rate;

/// What one client has spent of several rates.
///
/// All are asked before any is spent, so one lock is for all of them; no other client's.
pub(super) struct Several {
    limits: Box<[Limit]>,
    /// When the burst of each is there again; none once it is closed.
    spent: Mutex<Option<Box<[u64]>>>,
    resting: Box<[Part]>,
}

impl Several {
    pub(super) fn new(limits: Box<[Limit]>, spent: Box<[u64]>, resting: Box<[Part]>) -> Self {
        Self { limits, spent: Mutex::new(Some(spent)), resting }
    }

    pub(super) fn spend(&self, now: u64, again: impl Fn() -> u64) -> Option<Standing> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        Some(spend(&self.limits, spent.as_mut()?, now, again))
    }

    pub(super) fn close(&self, rates: &[Rate]) -> Option<Vec<Part>> {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let rates = rates.iter().zip(&self.limits).zip(spent);
        let parts = rates.map(|((rate, limit), full_at)| Part::new(rate, *limit, full_at));
        Some(parts.chain(self.resting.iter().copied()).collect())
    }

    pub(super) fn close_if_full(&self, now: u64) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |spent: &mut Box<[u64]>| spent.iter().all(|full_at| *full_at <= now);
        spent
            .take_if(|spent| full(spent) && self.resting.iter().all(|part| part.is_full(now)))
            .is_some()
    }
}

fn spend(limits: &[Limit], all: &mut [u64], now: u64, again: impl Fn() -> u64) -> Standing {
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
