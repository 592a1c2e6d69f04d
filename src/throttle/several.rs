use std::cmp::Reverse;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::carry::Part;
use super::gcra::Limit;
use super::standing::Standing;
use crate::quota::Rate;

/// What one client has spent of several rates, or of one and others that its quota had before.
///
/// All are asked before any is spent, so one lock is for all of them; no other client's.
pub(super) struct Several {
    limits: Box<[Limit]>,
    /// None once it is closed.
    spent: Mutex<Option<Spent>>,
}

struct Spent {
    /// When the burst of each is there again.
    full_at: Box<[u64]>,
    resting: Box<[Part]>,
}

impl Several {
    pub(super) fn new(limits: Box<[Limit]>, full_at: Box<[u64]>, resting: Box<[Part]>) -> Self {
        Self { limits, spent: Mutex::new(Some(Spent { full_at, resting })) }
    }

    pub(super) fn spend(&self, now: u64, again: impl Fn() -> u64) -> Option<Standing> {
        let mut spent = self.lock();
        let Spent { full_at, resting } = spent.as_mut()?;
        let standing = spend(&self.limits, full_at, now, again);
        if standing.is_allowed() {
            resting.iter_mut().for_each(|part| part.charge(standing.now));
        }
        Some(standing)
    }

    pub(super) fn close(&self, rates: &[Rate]) -> Option<Vec<Part>> {
        let Spent { full_at, resting } = self.lock().take()?;
        let parts = rates.iter().zip(full_at).map(|(rate, full_at)| Part::new(*rate, full_at));
        Some(parts.chain(resting).collect())
    }

    pub(super) fn close_if_full(&self, now: u64) -> bool {
        self.lock()
            .take_if(|Spent { full_at, resting }| {
                heed(&self.limits, full_at, now);
                resting.iter_mut().for_each(|part| part.heed(now));
                full_at.iter().all(|full_at| *full_at <= now)
                    && resting.iter().all(|part| part.is_full(now))
            })
            .is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Spent>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing is owed for longer than the burst takes, where the clock went back.
fn heed(limits: &[Limit], all: &mut [u64], now: u64) {
    for (limit, full_at) in limits.iter().zip(all) {
        *full_at = limit.latest(now).min(*full_at);
    }
}

fn spend(limits: &[Limit], all: &mut [u64], now: u64, again: impl Fn() -> u64) -> Standing {
    let spent = |now| move |(limit, full_at): (&Limit, &u64)| limit.spend(*full_at, now);
    let mut now = now;
    if limits.iter().zip(&*all).map(spent(now)).any(|spent| spent.is_err()) {
        now = again();
        heed(limits, all, now);
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
