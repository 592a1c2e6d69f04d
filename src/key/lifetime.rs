use std::time::SystemTime;

use crate::key::Timestamp;

/// The time during which a key works, from its beginning until its expiry; both are optional.
///
/// Both are kept as a [`Timestamp`]: the expiry is rounded down to a microsecond and the beginning is rounded up, so
/// that no key works longer than it should. A time before 1970 is kept as the start of 1970, and a time after 9999 as
/// the end of 9999.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use keygate::key::Lifetime;
///
/// let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
/// let lifetime = Lifetime::default().with_not_before(at(1_800_000_000)).with_expiry(at(1_900_000_000));
/// assert_eq!(lifetime.not_before(), Some(at(1_800_000_000)));
/// assert_eq!(lifetime.expires(), Some(at(1_900_000_000)));
/// assert_eq!(Lifetime::default().expires(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lifetime {
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
}

/// Whether a key works at an instant, according to its [`Lifetime`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    NotYetValid,
    Valid,
    Expired,
}

impl Lifetime {
    /// Replaces the expiry: the key is refused from this instant on. `None` means never.
    #[must_use]
    pub fn with_expiry(self, expires: impl Into<Option<SystemTime>>) -> Self {
        Self { expires: expires.into().map(Timestamp::nearest), ..self }
    }

    /// Replaces the beginning: the key is refused before this instant. `None` means that it works at once.
    #[must_use]
    pub fn with_not_before(self, not_before: impl Into<Option<SystemTime>>) -> Self {
        let rounded =
            |time| Timestamp::rounded_up(time).unwrap_or_else(|_| Timestamp::nearest(time));
        Self { not_before: not_before.into().map(rounded), ..self }
    }

    /// Returns the time at which the key expires.
    #[must_use]
    pub fn expires(self) -> Option<SystemTime> {
        self.expires.map(SystemTime::from)
    }

    /// Returns the time at which the key begins to work.
    #[must_use]
    pub fn not_before(self) -> Option<SystemTime> {
        self.not_before.map(SystemTime::from)
    }

    /// A key whose expiry is before its beginning counts as expired, since it will never work.
    pub(crate) fn validity(self, now: SystemTime) -> Validity {
        let Self { not_before, expires } = self;
        match (not_before, expires) {
            (_, Some(expires)) if expires.system_time() <= now => Validity::Expired,
            (Some(not_before), _) if now < not_before.system_time() => Validity::NotYetValid,
            _ => Validity::Valid,
        }
    }

    /// Returns whether the expiry is not after the beginning, so that the key never works.
    pub(crate) fn never_works(self) -> bool {
        let Self { not_before, expires } = self;
        not_before.zip(expires).is_some_and(|(not_before, expires)| expires <= not_before)
    }

    /// Returns the times of a lifetime with their names in files, databases and JSON.
    pub(crate) fn times(self) -> [(&'static str, Option<Timestamp>); 2] {
        let Self { not_before, expires } = self;
        [("not_before", not_before), ("expires", expires)]
    }

    /// Returns the lifetime of a successor issued at `now`. It is as long as this one, which began at `created`. It
    /// ends with this one if the length is unknown or the successor would expire after the year 9999. A beginning that is
    /// still to come is inherited.
    pub(crate) fn renewed(self, created: Option<Timestamp>, now: SystemTime) -> Self {
        let Self { not_before, expires } = self;
        let renewed = || {
            let length = expires?.micros().checked_sub(created?.micros())?;
            // The successor is created at a whole second, so both lifetimes have the same length.
            let start = Timestamp::nearest(now).whole_second();
            let renewed = Timestamp::from_micros(start.micros() + length).ok()?;
            (renewed.system_time() > now).then_some(renewed)
        };
        let not_before = not_before.filter(|begins| begins.system_time() > now);
        Self { not_before, expires: renewed().or(expires) }
    }

    /// Returns the lifetime, shortened to end at this time if it ends later.
    pub(crate) fn ended(self, end: Option<Timestamp>) -> Self {
        let Self { not_before, expires } = self;
        Self { not_before, expires: [expires, end].into_iter().flatten().min() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn at(nanos: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(nanos)
    }

    #[test]
    fn key_works_from_its_beginning_until_its_expiry() {
        let lifetime = Lifetime::default().with_not_before(at(2_000)).with_expiry(at(5_000));
        for (nanos, validity) in [
            (1_999, Validity::NotYetValid),
            (2_000, Validity::Valid),
            (4_999, Validity::Valid),
            (5_000, Validity::Expired),
        ] {
            assert_eq!(lifetime.validity(at(nanos)), validity, "{nanos}");
        }
        let never = lifetime.with_not_before(at(6_000));
        assert_eq!(never.validity(at(4_999)), Validity::NotYetValid);
        assert_eq!(never.validity(at(5_000)), Validity::Expired);
    }

    #[test]
    fn beginning_is_rounded_up_and_clamped() {
        let kept = |time| Lifetime::default().with_not_before(time).not_before();
        assert_eq!(kept(at(1_001)), Some(at(2_000)));
        assert_eq!(kept(UNIX_EPOCH - Duration::from_secs(1)), Some(UNIX_EPOCH));
        let last = UNIX_EPOCH + Duration::from_micros(Timestamp::END - 1);
        assert_eq!(kept(last + Duration::from_nanos(1)), Some(last));
    }

    #[test]
    fn successor_inherits_a_future_beginning() {
        let [second, hour] = [1, 3_600].map(Duration::from_secs);
        let created = Some(Timestamp::nearest(UNIX_EPOCH));
        let begins = UNIX_EPOCH + hour;
        let old = Lifetime::default().with_not_before(begins).with_expiry(begins + hour);
        let early = old.renewed(created, begins - second);
        assert_eq!(early.not_before(), Some(begins));
        assert_eq!(early.expires(), Some(begins - second + 2 * hour));
        assert_eq!(old.renewed(created, begins).not_before(), None);
    }
}
