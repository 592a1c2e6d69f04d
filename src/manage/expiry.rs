use std::time::SystemTime;

/// The expiry of a new key.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use keygate::{KeyDigest, NewKey};
/// use keygate::manage::Expiry;
///
/// let key = || NewKey::new(KeyDigest::of(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU"));
/// let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
/// assert_eq!(key().expiry(), Expiry::Inherit);
/// assert_eq!(key().with_expiry(in_an_hour).expiry(), Expiry::At(in_an_hour));
/// assert_eq!(key().with_expiry(None).expiry(), Expiry::Never);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expiry {
    /// On rotation, [the lifetime of the old key](crate::manage::KeyInfo::inherited_lifetime), up to the maximum of the
    /// store's [`Policy`](crate::manage::Policy). On issue, the default of the policy; without one, the key never
    /// expires.
    #[default]
    Inherit,
    /// The key never expires.
    Never,
    /// The key is refused from this instant on.
    At(SystemTime),
}

impl From<SystemTime> for Expiry {
    fn from(time: SystemTime) -> Self {
        Self::At(time)
    }
}

/// `None` is [`Expiry::Never`], as in a [`KeyInfo`](crate::manage::KeyInfo).
impl From<Option<SystemTime>> for Expiry {
    fn from(time: Option<SystemTime>) -> Self {
        time.map_or(Self::Never, Self::At)
    }
}
