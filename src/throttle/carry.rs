use super::gcra::Limit;
use crate::quota::{Quota, Rate, RateUnit};

/// What is spent of one rate, as the next quota takes it over.
#[derive(Clone, Copy)]
pub(super) struct Part {
    per: RateUnit,
    limit: Limit,
    full_at: u64,
    /// Whether it is of the quota that held until now, and not of one before.
    is_last: bool,
}

impl Part {
    pub(super) fn new(rate: &Rate, limit: Limit, full_at: u64) -> Self {
        Self { per: rate.per(), limit, full_at, is_last: true }
    }

    pub(super) fn is_full(&self, now: u64) -> bool {
        self.full_at <= now
    }

    /// The instant at which the burst of a rate is there again, after this was spent of other quotas: of a
    /// unit that one of them had, too, the same share; of another, as many requests as are spent of the last
    /// one, since a second that is spent says little of a day.
    pub(super) fn carry(parts: &[Self], rate: &Rate, limit: Limit, now: u64) -> u64 {
        let same_unit = parts.iter().filter(|part| part.per == rate.per());
        if let Some(share) = same_unit.map(|part| part.limit.share(part.full_at, now)).max() {
            return if share == 0 { 0 } else { limit.at_share(share, now) };
        }
        let last = parts.iter().filter(|part| part.is_last);
        match last.map(|part| part.requests(now)).max() {
            None | Some(0) => 0,
            Some(requests) => limit.at_requests(requests, now),
        }
    }

    /// Those of units that this quota does not have. They are kept beside it, so that a day which is spent
    /// is still spent when the day comes back.
    pub(super) fn resting(quota: &Quota, parts: &[Self], now: u64) -> Box<[Self]> {
        let is_had = |part: &&Self| quota.rates().iter().any(|rate| rate.per() == part.per);
        let rests = |part: &&Self| !part.is_full(now) && !is_had(part);
        parts.iter().filter(rests).map(|part| Self { is_last: false, ..*part }).collect()
    }

    fn requests(&self, now: u64) -> u64 {
        self.limit.owed(self.full_at, now).div_ceil(self.limit.step())
    }
}
