use std::error::Error;
use std::fmt;

/// Why a key is wrong: for logs and metrics, never for the caller.
///
/// `Display` is one word, fit for the label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongReason {
    /// The store does not know this key.
    Unknown,
    /// The key begins to work later: see [`Lifetime::not_before`](crate::key::Lifetime::not_before).
    NotYetValid,
    /// The key has expired.
    Expired,
    /// The key was revoked.
    Revoked,
    /// The key's client is disabled.
    Disabled,
    /// The key may not be used from the network of the caller: see
    /// [`ClientProfile::with_networks`](crate::ClientProfile::with_networks).
    Network,
    /// The source of the key has more than one value.
    Ambiguous,
    /// The text cannot be a key: it is longer than [`MAX_KEY_BYTES`](crate::key::MAX_KEY_BYTES), or does not have the
    /// format that [`require_format`](crate::Authenticator::require_format) requires.
    Malformed,
}

impl WrongReason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::Network => "network",
            Self::Ambiguous => "ambiguous",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for WrongReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Error for WrongReason {}
