use super::gcra::Limit;
use crate::quota::{Quota, Rate};

/// What is spent of one rate, as the next quota takes it over.
#[derive(Clone, Copy)]
pub(super) struct Part {
    rate: Rate,
    full_at: u64,
    /// Whether it is of the quota that held until now, and not of one before.
    is_last: bool,
}

impl Part {
    pub(super) fn new(rate: Rate, full_at: u64) -> Self {
        Self { rate, full_at, is_last: true }
    }

    /// Those of rates that this quota does not have, and in whose place no new one of their unit has come. They
    /// are kept beside it, so that a day which is spent is still spent when the day comes back.
    pub(super) fn resting(quota: &Quota, parts: &[Self]) -> Box<[Self]> {
        let rates = quota.rates();
        let rests = |part: &&Self| {
            let of_unit = |rate: &&Rate| rate.per() == part.rate.per();
            let mut of_unit = rates.iter().filter(of_unit);
            !rates.contains(&part.rate) && of_unit.all(|rate| !is_new(rate, parts))
        };
        parts.iter().filter(rests).map(|part| Self { is_last: false, ..*part }).collect()
    }

    pub(super) fn is_full(&self, now: u64) -> bool {
        self.full_at <= now
    }

    /// Counts a request that other rates have allowed, as far as the burst goes: were it not, changing the unit
    /// back and forth would add the quotas up.
    pub(super) fn charge(&mut self, now: u64) {
        let limit = Limit::of(&self.rate);
        let next = self.full_at.max(now).saturating_add(limit.step());
        self.full_at = next.min(limit.latest(now));
    }

    /// Nothing is owed for longer than the burst takes, where the clock went back.
    pub(super) fn heed(&mut self, now: u64) {
        self.full_at = self.full_at.min(Limit::of(&self.rate).latest(now));
    }

    fn share(&self, now: u64) -> u64 {
        Limit::of(&self.rate).share(self.full_at, now)
    }

    fn requests(&self, now: u64) -> u64 {
        let limit = Limit::of(&self.rate);
        limit.owed(self.full_at, now).div_ceil(limit.step())
    }
}

/// The instants at which the bursts of a quota are there again, after this was spent of others.
pub(super) fn carried(quota: &Quota, parts: &[Part], now: u64) -> Box<[u64]> {
    quota.rates().iter().map(|rate| full_at(rate, quota.rates(), parts, now)).collect()
}

fn full_at(rate: &Rate, rates: &[Rate], parts: &[Part], now: u64) -> u64 {
    let limit = Limit::of(rate);
    if let Some(same) = parts.iter().find(|part| part.rate == *rate) {
        return same.full_at.min(limit.latest(now));
    }
    let (last, earlier): (Vec<&Part>, _) =
        parts.iter().filter(|part| part.rate.per() == rate.per()).partition(|part| part.is_last);
    let of_unit = if last.is_empty() { earlier } else { last };
    if of_unit.is_empty() {
        return match requests(rates, parts, now) {
            0 => 0,
            requests => limit.at_requests(requests, now),
        };
    }
    match share(rate, rates, of_unit, parts, now) {
        0 => 0,
        share => limit.at_share(share, now),
    }
}

/// As many as are spent of the quota before, since a second that is spent says little of a day; none, where
/// units of it stay, which hold what was spent.
fn requests(rates: &[Rate], parts: &[Part], now: u64) -> u64 {
    let last = parts.iter().filter(|part| part.is_last);
    if last.clone().any(|part| has_unit(rates, part)) {
        return 0;
    }
    last.map(|part| part.requests(now)).max().unwrap_or(0)
}

/// The share that is spent of the rate in whose place this one has come: by the order of their bursts, where as
/// many have come as have gone.
fn share(rate: &Rate, rates: &[Rate], mut of_unit: Vec<&Part>, parts: &[Part], now: u64) -> u64 {
    let comes = |other: &&Rate| other.per() == rate.per() && is_new(other, parts);
    let mut come: Vec<_> = rates.iter().filter(comes).collect();
    come.sort_by_key(|other| other.burst());
    of_unit.retain(|part| !rates.contains(&part.rate));
    of_unit.sort_by_key(|part| part.rate.burst());
    match come.iter().position(|other| *other == rate) {
        Some(place) if come.len() == of_unit.len() => of_unit[place].share(now),
        _ => of_unit.iter().map(|part| part.share(now)).max().unwrap_or(0),
    }
}

fn is_new(rate: &Rate, parts: &[Part]) -> bool {
    parts.iter().all(|part| part.rate != *rate)
}

fn has_unit(rates: &[Rate], part: &Part) -> bool {
    rates.iter().any(|rate| rate.per() == part.rate.per())
}
