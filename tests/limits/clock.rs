use std::time::{Duration, UNIX_EPOCH};

use keygate::testing::FakeClock;

/// A clock that shows a time between two seconds.
pub(crate) fn fake_clock() -> FakeClock {
    FakeClock::at(UNIX_EPOCH + Duration::from_millis(1_800_000_000_400))
}
