use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A clock that shows the same time until a test sets it, for tests of expiry, grace periods, quotas and usage.
///
/// Clones show the same time. Deadlines of lookups follow the system's monotonic clock, which this does not replace.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use keygate::testing::FakeClock;
/// use keygate::{Client, Quota, Throttle};
///
/// let clock = FakeClock::at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
/// let quota: Quota = "1/minute".parse()?;
/// let throttle = Throttle::new().with_clock(clock.reader()).with_default_quota(quota);
///
/// let client = Client::for_test("User 1");
/// assert!(throttle.check(&client).is_ok());
/// assert!(throttle.check(&client).is_err());
/// clock.advance(Duration::from_secs(60));
/// assert!(throttle.check(&client).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<Mutex<SystemTime>>);

impl FakeClock {
    /// A clock that shows `time`.
    pub fn at(time: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    /// The time that this clock shows.
    pub fn now(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the clock forward or back to `time`.
    pub fn set(&self, time: SystemTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Sets the clock forward.
    ///
    /// # Panics
    ///
    /// If the platform cannot represent the new time.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// A function that returns the time of this clock, for the `with_clock` methods of this crate.
    pub fn reader(&self) -> impl Fn() -> SystemTime + Send + Sync + 'static {
        let clock = self.clone();
        move || clock.now()
    }
}
