//! Instants as they are counted with: nanoseconds since 1970.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// They fit until the year 2554; half of what 64 bits hold is left for sums.
#[inline]
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Without the 128 bits of `as_nanos`.
    let seconds = since.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(since.subsec_nanos().into()).min(u64::MAX / 2)
}

/// An instant of the system's clock that one part of a request's way has read, for those that come
/// after it: reading it costs 23 ns.
#[derive(Default)]
pub(crate) struct Lent(AtomicU64);

impl Lent {
    #[inline]
    pub(crate) fn lend(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn borrow(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|now| *now > 0)
    }
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
    fn instant_is_lent_by_the_one_that_was_let_in_and_not_by_its_clones() {
        let lent = Lent::default();
        assert_eq!(lent.borrow(), None);
        lent.lend(7);
        assert_eq!((lent.borrow(), lent.clone().borrow()), (Some(7), None));
    }
}
