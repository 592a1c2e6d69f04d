use std::time::Duration;

use crate::quota::Rate;

/// More than any burst takes that a [`Rate`] can have, and little enough that sums of it and a time stay in
/// 64 bits.
const MAX_WINDOW: u64 = 1 << 62;

/// One limit as the generic cell rate algorithm has it (ITU-T I.371 annex A, its virtual scheduling).
///
/// What is kept of a client is one instant, at which it will have its whole burst again. Each request
/// puts it off by `step`; one that would put it off by more than `window` from now is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Nanoseconds in which one request is earned, rounded up: the rate is never exceeded.
    step: u64,
    /// Nanoseconds in which the whole burst is earned.
    window: u64,
}

impl Limit {
    /// That of a quota without rates, of which none is counted: as much at once as can be told.
    pub(super) const NONE: Self = Self { step: 1, window: MAX_WINDOW };

    pub(crate) fn of(rate: &Rate) -> Self {
        // A unit is at most a day, which is 8.64e13 ns.
        let unit = u64::try_from(rate.per().duration().as_nanos()).unwrap_or(u64::MAX);
        let step = unit.div_ceil(u64::from(rate.count()));
        let window = step.saturating_mul(u64::from(rate.burst())).min(MAX_WINDOW);
        Self { step, window }
    }

    /// The limit of so many that share one, where each of them would have this.
    pub(crate) fn shared_by(self, many: u64) -> Self {
        let burst = self.window / self.step;
        let step = self.step.div_ceil(many);
        let window = step.saturating_mul(burst.saturating_mul(many)).min(MAX_WINDOW);
        Self { step, window }
    }

    /// The instant after one more request, or how long until one is allowed. Instants are nanoseconds
    /// since 1970, and no further off than [`Limit::latest`].
    #[inline]
    pub(crate) fn spend(self, full_at: u64, now: u64) -> Result<u64, u64> {
        let latest = self.latest(now);
        let next = full_at.max(now).saturating_add(self.step);
        if next <= latest { Ok(next) } else { Err(next - latest) }
    }

    /// How long until one more request is allowed; zero where one is.
    #[inline]
    pub(super) fn wait(self, full_at: u64, now: u64) -> u64 {
        self.spend(full_at, now).err().unwrap_or_default()
    }

    /// Nanoseconds in which one request is earned.
    pub(crate) fn step(self) -> u64 {
        self.step
    }

    /// The furthest that requests can have put the instant off.
    ///
    /// Where the clock went back, one may be further off: it is then as if it were this one, so that
    /// nobody is let in by that, nor kept out for longer than the burst takes.
    #[inline]
    pub(crate) fn latest(self, now: u64) -> u64 {
        now.saturating_add(self.window)
    }

    /// How many requests are allowed at once, with the whole burst due at this instant.
    #[inline]
    pub(super) fn remaining(self, full_at: u64, now: u64) -> u64 {
        (self.window - self.owed(full_at, now)) / self.step
    }

    /// How much time what is spent takes to be earned.
    #[inline]
    pub(super) fn owed(self, full_at: u64, now: u64) -> u64 {
        full_at.saturating_sub(now).min(self.window)
    }

    /// The share of the burst that is spent, in 2^-32.
    pub(super) fn share(self, full_at: u64, now: u64) -> u64 {
        scale(self.owed(full_at, now), 1 << 32, self.window)
    }

    /// The instant at which the whole burst is there again after so many requests.
    pub(super) fn at_requests(self, requests: u64, now: u64) -> u64 {
        now.saturating_add(self.step.saturating_mul(requests).min(self.window))
    }

    /// The instant at which such a share of the burst would be spent.
    pub(super) fn at_share(self, share: u64, now: u64) -> u64 {
        now.saturating_add(scale(self.window, share, 1 << 32))
    }
}

fn scale(value: u64, by: u64, over: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(by) / u128::from(over.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// Whole seconds, rounded up.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use governor::clock::{Clock as _, FakeRelativeClock};
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;

    use super::*;

    /// A second.
    const S: u64 = 1_000_000_000;

    fn rate(count: u32, unit: &str, burst: u32) -> Rate {
        format!("{count}/{unit}").parse::<Rate>().unwrap().with_burst(burst).unwrap()
    }

    #[test]
    fn burst_is_admitted_and_then_one_each_step() {
        let limit = Limit::of(&rate(60, "minute", 3));
        let mut full_at = 0;
        let mut at = |now: u64| {
            let spent = limit.spend(full_at, now);
            full_at = spent.unwrap_or(full_at);
            spent.is_ok()
        };
        let start = 1_000 * S;
        assert_eq!([at(start), at(start), at(start), at(start)], [true, true, true, false]);
        assert_eq!([at(start + S - 1), at(start + S), at(start + S)], [false, true, false]);
        // After as long as the burst takes, all of it is there again, and no more.
        let later = start + 100 * S;
        assert_eq!([at(later), at(later), at(later), at(later)], [true, true, true, false]);
    }

    #[test]
    fn clock_that_goes_back_neither_unlocks_nor_locks_for_longer_than_the_burst() {
        let limit = Limit::of(&rate(1, "second", 2));
        let full_at = limit.spend(limit.spend(0, 1_000 * S).unwrap(), 1_000 * S).unwrap();
        let seen = full_at.min(limit.latest(10 * S));
        assert_eq!(limit.spend(seen, 10 * S), Err(S));
        assert!(limit.spend(seen, 10 * S + S - 1).is_err());
        assert!(limit.spend(seen, 10 * S + S).is_ok());
    }

    #[test]
    fn limits_without_sense_do_not_overflow() {
        for rate in extremes() {
            let limit = Limit::of(&rate);
            let full_at = limit.spend(0, u64::MAX / 4).unwrap();
            assert!(limit.remaining(full_at, u64::MAX / 4) < u64::from(u32::MAX));
            let _ = limit.spend(u64::MAX / 2, u64::MAX);
        }
    }

    /// The least and the most that a rate can have, of each number with each other one.
    fn extremes() -> Vec<Rate> {
        let mut rates = Vec::new();
        for unit in ["second", "minute", "hour", "day"] {
            for count in [1, 7, u32::MAX - 1, u32::MAX] {
                let rate: Rate = format!("{count}/{unit}").parse().unwrap();
                let fits = |burst: u64| {
                    let burst = u32::try_from(burst).unwrap_or(u32::MAX);
                    rate.with_burst(burst).ok()
                };
                let (mut most, mut too_much) = (1, 1 << 32);
                while too_much - most > 1 {
                    let middle = u64::midpoint(most, too_much);
                    *if fits(middle).is_some() { &mut most } else { &mut too_much } = middle;
                }
                rates.extend([rate].into_iter().chain([1, 2, most].into_iter().filter_map(fits)));
            }
        }
        rates
    }

    /// Where a limit is cut, it admits less than the rate says, and nobody is told.
    #[test]
    fn every_rate_admits_its_burst_at_once_and_no_more() {
        let now = 1 << 60;
        for rate in extremes() {
            let (limit, burst) = (Limit::of(&rate), u64::from(rate.burst()));
            assert_eq!(limit.remaining(0, now), burst, "{rate}");
            let last = limit.spend(limit.at_requests(burst - 1, now), now).unwrap();
            assert_eq!(limit.remaining(last, now), 0, "{rate}");
            assert!(limit.spend(last, now).is_err(), "{rate}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Against the algorithm as governor has it, request by request.
        #[test]
        fn limiter_of_governor_decides_the_same(
            step in 1_u64..5_000, burst in 1_u32..20,
            waits in proptest::collection::vec(0_u64..20_000, 1..100),
        ) {
            let clock = FakeRelativeClock::default();
            let quota = Quota::with_period(Duration::from_nanos(step)).unwrap();
            let quota = quota.allow_burst(NonZeroU32::new(burst).unwrap());
            let theirs = RateLimiter::direct_with_clock(quota, clock.clone());
            let ours = Limit { step, window: step * u64::from(burst) };
            let (mut now, mut full_at) = (1_u64 << 40, 0);
            for wait in waits {
                clock.advance(Duration::from_nanos(wait));
                now += wait;
                match (ours.spend(full_at, now), theirs.check()) {
                    (Ok(next), Ok(())) => full_at = next,
                    (Err(wait), Err(refused)) => {
                        let until = refused.wait_time_from(clock.now());
                        prop_assert_eq!(Duration::from_nanos(wait), until);
                        // Whoever waits so long gets in, and nobody earlier.
                        prop_assert!(ours.spend(full_at, now + wait).is_ok());
                        prop_assert!(ours.spend(full_at, now + wait - 1).is_err());
                    }
                    (ours, theirs) => prop_assert!(false, "{:?} {:?}", ours, theirs.is_ok()),
                }
            }
        }

        #[test]
        fn spent_share_goes_over_to_another_limit(
            count in 1_u32..1_000, burst in 1_u32..1_000, spent in 0_u32..1_000, other in 1_u32..1_000,
        ) {
            let now = 1 << 60;
            let limit = Limit::of(&rate(count, "minute", burst));
            let full_at = (0..spent.min(burst)).fold(0, |at, _| limit.spend(at, now).unwrap());
            let share = limit.share(full_at, now);
            let new = Limit::of(&rate(other, "hour", other));
            let moved = new.at_share(share, now);
            prop_assert!(new.owed(moved, now) <= new.window);
            // In millionths.
            let expected = u64::from(spent.min(burst)) * 1_000_000 / u64::from(burst);
            let seen = scale(new.owed(moved, now), 1_000_000, new.window);
            prop_assert!(expected.abs_diff(seen) <= 1, "{} {}", expected, seen);
        }
    }
}
