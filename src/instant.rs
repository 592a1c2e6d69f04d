//! Instants as they are counted with: nanoseconds since 1970.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(unix)]
use nix::time::ClockId;

pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// They fit until the year 2554; half of what 64 bits hold is left for sums.
#[inline]
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    together(since.as_secs(), since.subsec_nanos().into())
}

#[inline]
fn together(seconds: u64, nanos: u64) -> u64 {
    // Without the 128 bits of `as_nanos`.
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos).min(u64::MAX / 2)
}

/// What the system's clock says. With the standard library's, it takes half as long again, 31 ns, most of
/// that to make a number of it.
#[inline]
pub(crate) fn now() -> u64 {
    #[cfg(unix)]
    return read(ClockId::CLOCK_REALTIME);
    #[cfg(not(unix))]
    nanos(SystemTime::now())
}

#[cfg(unix)]
#[inline]
fn read(clock: ClockId) -> u64 {
    // There is no system without this clock; below zero, it is before 1970.
    clock.now().map_or(0, |time| {
        let [seconds, nanos] = [time.tv_sec(), time.tv_nsec()];
        together(seconds.try_into().unwrap_or(0), nanos.try_into().unwrap_or(0))
    })
}

/// An instant of the system's clock that one part of a request's way has read, for those that come
/// after it.
#[derive(Default)]
pub(crate) struct Lent(AtomicU64);

impl Lent {
    #[inline]
    pub(crate) fn lend(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }

    /// What was lent, if that is the time still: who waited meanwhile has to read the clock.
    #[inline]
    pub(crate) fn borrow(&self) -> Option<u64> {
        let lent = self.0.load(Ordering::Relaxed);
        (lent > 0 && is_now(lent, coarse())).then_some(lent)
    }
}

/// What the system's clock said at the last tick of the kernel, which takes a quarter of what the clock does;
/// zero where the system does not tell, so that nothing is lent.
#[inline]
fn coarse() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return read(ClockId::CLOCK_REALTIME_COARSE);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    0
}

/// Whether an instant is still the time, as the coarse clock has it: that lags behind by a tick, which is
/// 10 ms at most, and is never ahead.
#[inline]
fn is_now(instant: u64, coarse: u64) -> bool {
    const LATE: u64 = 1_000_000;
    const TICK: u64 = 10_000_000;
    coarse <= instant.saturating_add(LATE) && instant <= coarse.saturating_add(TICK)
}

/// A clone is kept for who knows how long, and has to read the clock again.
impl Clone for Lent {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(all(test, feature = "throttle", feature = "usage"))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nanoseconds_are_exact_and_end_where_sums_of_them_still_fit() {
        let time = |seconds, nanos| UNIX_EPOCH + Duration::new(seconds, nanos);
        assert_eq!(nanos(time(1_800_000_000, 123_456_789)), 1_800_000_000_123_456_789);
        assert_eq!(nanos(UNIX_EPOCH - Duration::from_secs(1)), 0);
        assert_eq!(nanos(time(u64::MAX / 4, 0)), u64::MAX / 2);
    }

    #[test]
    fn clock_says_what_that_of_the_standard_library_says() {
        let before = nanos(SystemTime::now());
        let read = now();
        let after = nanos(SystemTime::now());
        assert!(before <= read && read <= after, "{before} {read} {after}");
    }

    #[test]
    fn instant_is_lent_by_the_one_that_was_let_in_and_not_by_its_clones() {
        let lent = Lent::default();
        assert_eq!(lent.borrow(), None);
        lent.lend(7);
        assert_eq!(
            (lent.0.load(Ordering::Relaxed), lent.clone().0.load(Ordering::Relaxed)),
            (7, 0)
        );
    }

    #[test]
    fn instant_is_lent_until_it_is_not_the_time_any_more() {
        let [lent, millisecond] = [1_800_000_000_000_000_000, 1_000_000];
        for (coarse, expected) in [
            (lent, true),
            (lent - 4 * millisecond, true),
            (lent + millisecond, true),
            (lent + 2 * millisecond, false),
            // The clock was set back meanwhile.
            (lent - 11 * millisecond, false),
        ] {
            assert_eq!(is_now(lent, coarse), expected, "{coarse}");
        }
    }
}
