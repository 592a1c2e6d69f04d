use std::time::SystemTime;

/// When a key was last admitted, as far as it was watched.
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
    /// It has not been used, and has been watched since its issue.
    Never,
    /// At this time, to the minute.
    At(SystemTime),
    /// It was not used since it is watched, if it is watched at all.
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
