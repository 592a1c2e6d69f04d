use std::time::SystemTime;

use crate::key::Timestamp;

/// The time during which a key works: always, or until its expiry.
///
/// The expiry is kept as a [`Timestamp`], with fractions of a microsecond cut off. A time before 1970 is kept as the
/// start of 1970, and a time after 9999 as the end of 9999.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use keygate::key::Lifetime;
///
/// let expiry = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
/// assert_eq!(Lifetime::default().expires(), None);
/// assert_eq!(Lifetime::default().with_expiry(expiry).expires(), Some(expiry));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lifetime {
    pub(crate) expires: Option<Timestamp>,
}

/// Whether a key works at an instant, by its [`Lifetime`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    Valid,
    Expired,
}

impl Lifetime {
    /// Replaces the expiry: the key is refused from this instant on. `None` means never.
    #[must_use]
    pub fn with_expiry(self, expires: impl Into<Option<SystemTime>>) -> Self {
        Self { expires: expires.into().map(Timestamp::nearest) }
    }

    /// Returns the time at which the key expires.
    #[must_use]
    pub fn expires(self) -> Option<SystemTime> {
        self.expires.map(SystemTime::from)
    }

    pub(crate) fn validity(self, now: SystemTime) -> Validity {
        let Self { expires } = self;
        match expires {
            Some(expires) if expires.system_time() <= now => Validity::Expired,
            _ => Validity::Valid,
        }
    }

    /// Returns the times of a lifetime, by the names that they have in files, databases and JSON.
    pub(crate) fn times(self) -> [(&'static str, Option<Timestamp>); 1] {
        let Self { expires } = self;
        [("expires", expires)]
    }

    /// Returns the lifetime of a successor issued at `now`. It is as long as this one, which began at `created`. It
    /// ends with this one if the length is unknown or the successor would expire after the year 9999.
    pub(crate) fn renewed(self, created: Option<Timestamp>, now: SystemTime) -> Self {
        let Self { expires } = self;
        let renewed = || {
            let length = expires?.micros().checked_sub(created?.micros())?;
            // The successor is created at a whole second, so both lifetimes have the same length.
            let start = Timestamp::nearest(now).whole_second();
            let renewed = Timestamp::from_micros(start.micros() + length).ok()?;
            (renewed.system_time() > now).then_some(renewed)
        };
        Self { expires: renewed().or(expires) }
    }

    /// Returns the lifetime, shortened to this end if it is longer.
    pub(crate) fn ended(self, end: Option<Timestamp>) -> Self {
        let Self { expires } = self;
        Self { expires: [expires, end].into_iter().flatten().min() }
    }
}
