use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use super::KeyInfo;
use super::facts::names_of;
use crate::key::{KeyState, Timestamp};

/// The rules of a store for the lifetimes of its keys.
///
/// [`ManageKeys::issue`](crate::ManageKeys::issue), [`rotate`](crate::ManageKeys::rotate) and
/// [`update_key`](crate::ManageKeys::update_key) follow them. Existing and imported keys are not changed. The default
/// policy allows everything.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use keygate::{ApiKey, MemoryStore, NewKey};
/// use keygate::manage::{ManageError, Policy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
/// let store = MemoryStore::new();
/// store.update_policy(Policy::new().with_max_lifetime(days(365)).with_default_lifetime(days(90)))?;
/// store.add_client("App 1")?;
///
/// let key = store.issue("App 1", NewKey::from(&ApiKey::generate("acme")?))?;
/// assert!(key.expires() <= Some(SystemTime::now() + days(90)));
/// let forever = NewKey::from(&ApiKey::generate("acme")?).with_expiry(None);
/// assert!(matches!(store.issue("App 1", forever), Err(ManageError::Policy(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub(crate) max_lifetime: Option<Span>,
    pub(crate) default_lifetime: Option<Span>,
    pub(crate) require_expiry: bool,
}

impl Policy {
    /// Creates a policy that allows everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the longest lifetime of a key, counted from its issue. A key must then expire. Fractions of a second are
    /// cut off. `None` removes it.
    #[must_use]
    pub fn with_max_lifetime(self, lifetime: impl Into<Option<Duration>>) -> Self {
        Self { max_lifetime: Span::of(lifetime), ..self }
    }

    /// Replaces the lifetime of a key that is issued without an expiry. Fractions of a second are cut off. `None` removes
    /// it.
    #[must_use]
    pub fn with_default_lifetime(self, lifetime: impl Into<Option<Duration>>) -> Self {
        Self { default_lifetime: Span::of(lifetime), ..self }
    }

    /// Requires that each key expires.
    #[must_use]
    pub fn require_expiry(self) -> Self {
        Self { require_expiry: true, ..self }
    }

    /// Allows keys that never expire, unless the policy has a longest lifetime.
    #[must_use]
    pub fn allow_no_expiry(self) -> Self {
        Self { require_expiry: false, ..self }
    }

    /// Returns the longest lifetime of a key.
    pub fn max_lifetime(&self) -> Option<Duration> {
        self.max_lifetime.map(Span::duration)
    }

    /// Returns the lifetime of a key that is issued without an expiry.
    pub fn default_lifetime(&self) -> Option<Duration> {
        self.default_lifetime.map(Span::duration)
    }

    /// Returns whether each key must expire.
    pub fn requires_expiry(&self) -> bool {
        self.require_expiry || self.max_lifetime.is_some()
    }

    /// Checks the policy itself, as every store does.
    ///
    /// # Errors
    ///
    /// A lifetime is zero or longer than 100 years, or the default is longer than the maximum.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let lifetimes = [self.max_lifetime, self.default_lifetime];
        if lifetimes.iter().flatten().any(|span| span.0 == 0 || span.0 > MAX_SECONDS) {
            return Err(PolicyError::Range);
        }
        match (self.default_lifetime, self.max_lifetime) {
            (Some(default), Some(max)) if default > max => Err(PolicyError::DefaultTooLong),
            _ => Ok(()),
        }
    }

    /// Returns the names of the fields that differ, as in a key file.
    pub(super) fn differing(&self, other: &Self) -> Vec<&'static str> {
        let Self { max_lifetime, default_lifetime, require_expiry } = self;
        names_of([
            ("max_lifetime", *max_lifetime != other.max_lifetime),
            ("default_lifetime", *default_lifetime != other.default_lifetime),
            ("require_expiry", *require_expiry != other.require_expiry),
        ])
    }

    /// Returns whether the policy allows a key: it expires if it must, and early enough. Revoked keys are always
    /// allowed.
    pub fn allows(&self, key: &KeyInfo) -> bool {
        let created = key.created.map(Timestamp::nearest);
        key.state == KeyState::Revoked
            || self.check(created, key.expires().map(Timestamp::nearest)).is_ok()
    }

    /// Returns the violation of a key that was created at this time. If the time is unknown, only the expiry is
    /// checked.
    fn check(
        &self,
        created: Option<Timestamp>,
        expires: Option<Timestamp>,
    ) -> Result<(), PolicyError> {
        let Some(expires) = expires else {
            return if self.requires_expiry() { Err(PolicyError::NoExpiry) } else { Ok(()) };
        };
        let (Some(max), Some(created)) = (self.max_lifetime, created) else { return Ok(()) };
        // Stores keep the creation in whole seconds.
        let end = created.whole_second().micros().saturating_add((max.0 + 1) * 1_000_000);
        if expires.micros() < end {
            Ok(())
        } else {
            Err(PolicyError::TooLong { max: max.duration() })
        }
    }

    /// Checks the intended expiry of a key that is issued at this time.
    ///
    /// # Errors
    ///
    /// The key must expire, or expire earlier.
    pub fn check_expiry(
        &self,
        created: SystemTime,
        expires: Option<SystemTime>,
    ) -> Result<(), PolicyError> {
        self.check(Some(Timestamp::nearest(created)), expires.map(Timestamp::nearest))
    }

    /// Returns the expiry of a new key without its own.
    pub(super) fn default_expiry(&self, now: SystemTime) -> Option<SystemTime> {
        self.default_lifetime.and_then(|span| whole_second(now).checked_add(span.duration()))
    }

    /// Returns the expiry of a successor without its own: [the lifetime of the old key](KeyInfo::inherited_lifetime),
    /// shortened to the maximum, or else the default.
    pub fn inherited_expiry(&self, old: &KeyInfo, now: SystemTime) -> Option<SystemTime> {
        let Some(renewed) = old.inherited_lifetime(now).expires() else {
            return self.default_expiry(now);
        };
        let latest =
            self.max_lifetime.and_then(|max| whole_second(now).checked_add(max.duration()));
        Some(latest.map_or(renewed, |latest| renewed.min(latest)))
    }
}

fn whole_second(now: SystemTime) -> SystemTime {
    Timestamp::nearest(now).whole_second().system_time()
}

/// 100 years of 365.25 days.
const MAX_SECONDS: u64 = 36_525 * 86_400;

/// A whole number of seconds, written as `365d`, `12h`, `30m` or `45s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(u64);

const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

impl Span {
    pub(super) fn of(lifetime: impl Into<Option<Duration>>) -> Option<Self> {
        lifetime.into().map(|lifetime| Self(lifetime.as_secs()))
    }

    fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(seconds, _): &&(u64, &str)| self.0.is_multiple_of(*seconds);
        let (seconds, unit) = UNITS.iter().find(fits).unwrap_or(&UNITS[3]);
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

impl FromStr for Span {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit =
            UNITS.iter().find_map(|(seconds, unit)| Some((seconds, text.strip_suffix(unit)?)));
        let (seconds, number) = unit.ok_or(PolicyError::Form)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PolicyError::Form);
        }
        let number = number.parse::<u64>().map_err(|_| PolicyError::Range)?;
        number.checked_mul(*seconds).map(Self).ok_or(PolicyError::Range)
    }
}

/// Reason why a [`Policy`] refuses a key, or cannot be used itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The key would never expire.
    #[error("it requires that each key expires: choose an expiry")]
    NoExpiry,
    /// The key would work for longer than the policy allows.
    #[error("a key works for at most {} after its issue: choose an earlier expiry", Span(max.as_secs()))]
    TooLong {
        /// The longest lifetime.
        max: Duration,
    },
    /// A text is not a lifetime.
    #[error("a lifetime is written as `365d`, `12h`, `30m` or `45s`")]
    Form,
    /// A lifetime is zero or longer than 100 years.
    #[error("a lifetime is at least one second and at most 36525d")]
    Range,
    /// The default is longer than the maximum.
    #[error("`default_lifetime` is longer than `max_lifetime`")]
    DefaultTooLong,
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn lifetimes_are_written_in_their_largest_unit() {
        for (text, seconds) in [("365d", 365 * DAY), ("12h", 43_200), ("90m", 5_400), ("45s", 45)] {
            let span = text.parse::<Span>().unwrap();
            assert_eq!((span, &*span.to_string()), (Span(seconds), text));
        }
        assert_eq!("24h".parse::<Span>().unwrap().to_string(), "1d");
        for text in ["", "d", "90", "1y", "-1d", "+1d", "1.5d", "1d12h", " 1d", "1D"] {
            assert_eq!(text.parse::<Span>(), Err(PolicyError::Form), "{text}");
        }
        assert_eq!("99999999999999999999d".parse::<Span>(), Err(PolicyError::Range));
    }

    #[test]
    fn policy_of_impossible_lifetimes_is_refused() {
        let days = |days: u64| Duration::from_secs(days * DAY);
        let policy = Policy::new().with_max_lifetime(days(2));
        assert_eq!(policy.validate(), Ok(()));
        assert_eq!(policy.with_default_lifetime(days(2)).validate(), Ok(()));
        let longer = policy.with_default_lifetime(days(3));
        assert_eq!(longer.validate(), Err(PolicyError::DefaultTooLong));
        for lifetime in [Duration::from_millis(999), days(36_526)] {
            let policy = Policy::new().with_max_lifetime(lifetime);
            assert_eq!(policy.validate(), Err(PolicyError::Range));
        }
    }

    #[test]
    fn key_is_within_the_policy_up_to_the_second_of_its_issue() {
        let policy = Policy::new().with_max_lifetime(Duration::from_secs(DAY));
        let created = UNIX_EPOCH + Duration::from_millis(1_800_000_000_600);
        let at = |millis| Some(created + Duration::from_millis(millis));
        assert_eq!(policy.check_expiry(created, at(DAY * 1_000)), Ok(()));
        let max = Duration::from_secs(DAY);
        let too_long = Err(PolicyError::TooLong { max });
        assert_eq!(policy.check_expiry(created, at((DAY + 1) * 1_000)), too_long);
        assert_eq!(policy.check_expiry(created, None), Err(PolicyError::NoExpiry));
        assert_eq!(Policy::new().check_expiry(created, None), Ok(()));
    }

    #[test]
    fn revoked_key_is_within_every_policy() {
        let policy = Policy::new().require_expiry();
        let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
        assert!(!policy.allows(&key));
        key.state = KeyState::Revoked;
        assert!(policy.allows(&key));
    }
}
