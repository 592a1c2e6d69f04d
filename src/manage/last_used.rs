use std::time::{Duration, SystemTime};

/// The last use of a key, as far as usage was watched.
///
/// Stores do not know it. With the feature `usage`, `UsageHistory::last_uses` does.
///
/// ```
/// use keygate::manage::LastUsed;
///
/// assert_eq!(LastUsed::default(), LastUsed::Unknown);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LastUsed {
    /// The key has not been used, and usage has been watched since it was issued.
    Never,
    /// The key was last used in the minute that begins at this time.
    At(SystemTime),
    /// The key was not used since watching began, or was last used more than two years ago, or usage is not watched.
    #[default]
    Unknown,
}

/// The time within which a last use is known.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

impl LastUsed {
    /// Returns whether the last use may have been at this time or later. It is known to the minute, so any use in the
    /// minute of `time` may have been.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use keygate::manage::LastUsed;
    ///
    /// let minute = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    /// let used = LastUsed::At(minute);
    /// assert!(used.may_be_since(minute + Duration::from_secs(59)));
    /// assert!(!used.may_be_since(minute + Duration::from_secs(60)));
    /// ```
    pub fn may_be_since(self, time: SystemTime) -> bool {
        match self {
            Self::At(minute) => minute + MINUTE > time,
            Self::Never | Self::Unknown => false,
        }
    }
}

/// Writes `never`, a time in RFC 3339, or `unknown`.
#[cfg(any(feature = "serde", feature = "yaml"))]
impl std::fmt::Display for LastUsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::At(time) => crate::key::Timestamp::nearest(*time).fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
