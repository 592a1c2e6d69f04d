use std::time::SystemTime;

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
    /// The key was last used at this time, to the minute.
    At(SystemTime),
    /// The key was not used since watching began, or was last used more than two years ago, or usage is not watched.
    #[default]
    Unknown,
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
