//! The clock, and instants as nanoseconds since 1970.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock that replaces the system's.
pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Returns the time of `clock`, or the system time if there is none.
#[inline]
pub(crate) fn now(clock: Option<&Clock>) -> SystemTime {
    clock.map_or_else(SystemTime::now, |clock| clock())
}

/// Returns the nanoseconds since 1970, capped at half of the range (the year 2262) to leave room for sums.
#[inline]
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let whole = since.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(since.subsec_nanos().into()).min(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nanoseconds_are_exact_and_leave_room_for_sums() {
        let time = |seconds, nanos| UNIX_EPOCH + Duration::new(seconds, nanos);
        assert_eq!(nanos(time(1_800_000_000, 123_456_789)), 1_800_000_000_123_456_789);
        assert_eq!(nanos(UNIX_EPOCH - Duration::from_secs(1)), 0);
        assert_eq!(nanos(time(u64::MAX / 4, 0)), u64::MAX / 2);
    }
}
