use std::time::Duration;

use crate::client::Rate;

/// Longer than any burst that a [`Rate`] can have, and short enough that the sum of a window and a time
/// fits into 64 bits.
const MAX_WINDOW: u64 = 1 << 62;

/// One rate of the generic cell rate algorithm (ITU-T I.371 annex A, virtual scheduling).
///
/// The state of a client is one instant, its theoretical arrival time (`tat`), at which it will have its whole burst
/// again. Each request moves it by `step`; a request that would move it beyond `window` from now is refused. Instants
/// are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gcra {
    /// Nanoseconds to earn one request, rounded up so that the rate is never exceeded.
    step: u64,
    /// Nanoseconds to earn the whole burst.
    window: u64,
}

impl Gcra {
    pub(super) fn new(rate: &Rate) -> Self {
        // A unit is at most a day, which is 8.64e13 ns.
        let unit = u64::try_from(rate.per().duration().as_nanos()).unwrap_or(u64::MAX);
        let step = unit.div_ceil(u64::from(rate.count()));
        let window = step.saturating_mul(u64::from(rate.burst())).min(MAX_WINDOW);
        Self { step, window }
    }

    /// The limit shared by `many` callers, which allows `many` times as much as this limit.
    pub(super) fn shared_by(self, many: u64) -> Self {
        let burst = self.window / self.step;
        let step = self.step.div_ceil(many);
        let window = step.saturating_mul(burst.saturating_mul(many)).min(MAX_WINDOW);
        Self { step, window }
    }

    /// The `tat` after `n` more requests, or the nanoseconds until they are allowed.
    #[inline]
    pub(super) fn check(self, tat: u64, n: u32, now: u64) -> Result<u64, u64> {
        let latest = self.latest(now);
        let next = self.after(tat, n, now);
        if next <= latest { Ok(next) } else { Err(next - latest) }
    }

    /// The `tat` after `n` more requests, even if they are not allowed.
    #[inline]
    pub(super) fn after(self, tat: u64, n: u32, now: u64) -> u64 {
        tat.max(now).saturating_add(self.step.saturating_mul(n.into()))
    }

    /// Nanoseconds to earn one request.
    pub(super) fn step(self) -> u64 {
        self.step
    }

    /// The latest `tat` that requests can lead to. A later one means that the clock was set back.
    #[inline]
    pub(super) fn latest(self, now: u64) -> u64 {
        now.saturating_add(self.window)
    }

    /// The number of requests that are allowed at once.
    #[inline]
    pub(super) fn remaining(self, tat: u64, now: u64) -> u64 {
        (self.window - self.debt(tat, now)) / self.step
    }

    /// The debt of requests that have not been earned back, in nanoseconds.
    #[inline]
    fn debt(self, tat: u64, now: u64) -> u64 {
        tat.saturating_sub(now).min(self.window)
    }

    /// The number of requests that have not been earned back, rounded up.
    pub(super) fn owed(self, tat: u64, now: u64) -> u64 {
        self.debt(tat, now).div_ceil(self.step)
    }

    /// The `tat` at which this rate owes as many requests as `other`, but at most its burst.
    pub(super) fn carry_over(self, other: Self, tat: u64, now: u64) -> u64 {
        let debt = u128::from(other.debt(tat, now)) * u128::from(self.step);
        // Rounded up, so that changing a quota back and forth allows no extra requests.
        let debt = u64::try_from(debt.div_ceil(other.step.into())).unwrap_or(u64::MAX);
        now.saturating_add(debt.min(self.window))
    }
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
    fn burst_is_allowed_and_then_one_each_step() {
        let gcra = Gcra::new(&rate(60, "minute", 3));
        let mut tat = 0;
        let mut at = |now: u64| {
            let next = gcra.check(tat, 1, now);
            tat = next.unwrap_or(tat);
            next.is_ok()
        };
        let start = 1_000 * S;
        assert_eq!([at(start), at(start), at(start), at(start)], [true, true, true, false]);
        assert_eq!([at(start + S - 1), at(start + S), at(start + S)], [false, true, false]);
        // After this time, the whole burst is earned again, and no more.
        let later = start + 100 * S;
        assert_eq!([at(later), at(later), at(later), at(later)], [true, true, true, false]);
    }

    #[test]
    fn request_of_cost_n_counts_as_n_requests() {
        let gcra = Gcra::new(&rate(60, "minute", 3));
        let now = 1_000 * S;
        let tat = gcra.check(0, 2, now).unwrap();
        assert_eq!(gcra.remaining(tat, now), 1);
        assert_eq!(gcra.check(tat, 2, now), Err(S));
        assert!(gcra.check(tat, 1, now).is_ok());
        assert!(gcra.check(0, 4, now).is_err(), "beyond the burst");
    }

    #[test]
    fn clock_set_back_locks_out_for_at_most_the_burst() {
        let gcra = Gcra::new(&rate(1, "second", 2));
        let tat = gcra.check(0, 2, 1_000 * S).unwrap();
        let seen = tat.min(gcra.latest(10 * S));
        assert_eq!(gcra.check(seen, 1, 10 * S), Err(S));
        assert!(gcra.check(seen, 1, 10 * S + S - 1).is_err());
        assert!(gcra.check(seen, 1, 10 * S + S).is_ok());
    }

    #[test]
    fn extreme_rates_do_not_overflow() {
        for rate in extremes() {
            let gcra = Gcra::new(&rate);
            let tat = gcra.check(0, 1, u64::MAX / 4).unwrap();
            assert!(gcra.remaining(tat, u64::MAX / 4) < u64::from(u32::MAX));
            let _ = gcra.check(u64::MAX / 2, u32::MAX, u64::MAX);
        }
    }

    /// Each combination of the smallest and largest numbers that a rate can have.
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

    /// A window that is cut off would silently allow less than the rate.
    #[test]
    fn every_rate_allows_its_burst_at_once_and_no_more() {
        let now = 1 << 60;
        for rate in extremes() {
            let gcra = Gcra::new(&rate);
            assert_eq!(gcra.remaining(0, now), u64::from(rate.burst()), "{rate}");
            let last = gcra.check(0, rate.burst(), now).unwrap();
            assert_eq!(gcra.remaining(last, now), 0, "{rate}");
            assert!(gcra.check(last, 1, now).is_err(), "{rate}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Compares with governor, request by request.
        #[test]
        fn decisions_match_governor(
            step in 1_u64..5_000, burst in 1_u32..20,
            waits in proptest::collection::vec(0_u64..20_000, 1..100),
        ) {
            let clock = FakeRelativeClock::default();
            let quota = Quota::with_period(Duration::from_nanos(step)).unwrap();
            let quota = quota.allow_burst(NonZeroU32::new(burst).unwrap());
            let theirs = RateLimiter::direct_with_clock(quota, clock.clone());
            let ours = Gcra { step, window: step * u64::from(burst) };
            let (mut now, mut tat) = (1_u64 << 40, 0);
            for wait in waits {
                clock.advance(Duration::from_nanos(wait));
                now += wait;
                match (ours.check(tat, 1, now), theirs.check()) {
                    (Ok(next), Ok(())) => tat = next,
                    (Err(wait), Err(refused)) => {
                        let until = refused.wait_time_from(clock.now());
                        prop_assert_eq!(Duration::from_nanos(wait), until);
                        // The returned wait is enough, and no shorter wait is.
                        prop_assert!(ours.check(tat, 1, now + wait).is_ok());
                        prop_assert!(ours.check(tat, 1, now + wait - 1).is_err());
                    }
                    (ours, theirs) => prop_assert!(false, "{:?} {:?}", ours, theirs.is_ok()),
                }
            }
        }

        #[test]
        fn requests_owed_are_carried_over_up_to_the_burst(
            count in 1_u32..1_000, burst in 1_u32..1_000, spent in 0_u32..1_000,
            other in 1_u32..1_000, other_burst in 1_u32..1_000,
        ) {
            let now = 1 << 60;
            let old = Gcra::new(&rate(count, "minute", burst));
            let spent = spent.min(burst);
            let tat = old.check(0, spent, now).unwrap();
            let new = Gcra::new(&rate(other, "hour", other_burst));
            let carried = new.carry_over(old, tat, now);
            let expected = u64::from(other_burst.saturating_sub(spent));
            prop_assert_eq!(new.remaining(carried, now), expected);
        }
    }
}
