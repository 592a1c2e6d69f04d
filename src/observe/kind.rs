use crate::error::{AuthError, WrongReason};

/// The only list of outcomes, from which variants, names, numbers and docs are made.
macro_rules! outcome_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:expr,)+) => {
        /// The kind of an [`Outcome`](crate::Outcome): for metrics that have one counter for each.
        ///
        /// ```
        /// use keygate::WrongReason;
        /// use keygate::observe::OutcomeKind;
        ///
        /// for kind in OutcomeKind::ALL {
        ///     println!("{}", kind.name());
        /// }
        /// assert_eq!(OutcomeKind::Revoked.name(), WrongReason::Revoked.to_string());
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum OutcomeKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl OutcomeKind {
            /// All kinds, each at the index `kind as usize`.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// One word, for the label of a metric. It is the variant's name in lower case, with underscores.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

outcome_kinds! {
    /// The request was admitted.
    Admitted = "admitted",
    /// The request was admitted with a key that another one has replaced. Such a request is counted as [`Admitted`](Self::Admitted),
    /// too: see [`Outcome::is_replaced`](crate::Outcome::is_replaced).
    Replaced = "replaced",
    /// The request carries no key.
    NoCredentials = "no_credentials",
    /// See [`WrongReason::Unknown`].
    Unknown = WrongReason::Unknown.name(),
    /// See [`WrongReason::NotYetValid`].
    NotYetValid = WrongReason::NotYetValid.name(),
    /// See [`WrongReason::Expired`].
    Expired = WrongReason::Expired.name(),
    /// See [`WrongReason::Revoked`].
    Revoked = WrongReason::Revoked.name(),
    /// See [`WrongReason::Disabled`].
    Disabled = WrongReason::Disabled.name(),
    /// See [`WrongReason::Network`].
    Network = WrongReason::Network.name(),
    /// See [`WrongReason::Ambiguous`].
    Ambiguous = WrongReason::Ambiguous.name(),
    /// See [`WrongReason::Malformed`].
    Malformed = WrongReason::Malformed.name(),
    /// The client lacks a scope.
    InsufficientScope = "insufficient_scope",
    /// The client has spent its quota.
    Throttled = "throttled",
    /// The key is wrong, or was not looked up, and too many wrong keys came from its address: see
    /// `Authenticator::throttle_failures`.
    TooManyFailures = "too_many_failures",
    /// The request was sent in clear: see [`AuthError::SentInClear`].
    SentInClear = "sent_in_clear",
    /// The store or the quota counters are unavailable.
    Unavailable = "unavailable",
    /// The service lacks something that the decision needs: see [`AuthError::Misconfigured`].
    Misconfigured = "misconfigured",
}

impl OutcomeKind {
    #[cfg_attr(not(any(feature = "usage", feature = "metrics")), allow(dead_code))]
    pub(super) const COUNT: usize = Self::ALL.len();

    /// Returns whether requests with this outcome were refused.
    pub fn is_refusal(self) -> bool {
        match self {
            Self::Admitted | Self::Replaced => false,
            Self::NoCredentials
            | Self::Unknown
            | Self::NotYetValid
            | Self::Expired
            | Self::Revoked
            | Self::Disabled
            | Self::Network
            | Self::Ambiguous
            | Self::Malformed
            | Self::InsufficientScope
            | Self::Throttled
            | Self::TooManyFailures
            | Self::SentInClear
            | Self::Unavailable
            | Self::Misconfigured => true,
        }
    }

    pub(super) fn of_refusal(error: &AuthError) -> Self {
        match error {
            AuthError::NoCredentials => Self::NoCredentials,
            AuthError::WrongCredentials(wrong) => match wrong.reason() {
                WrongReason::Unknown => Self::Unknown,
                WrongReason::NotYetValid => Self::NotYetValid,
                WrongReason::Expired => Self::Expired,
                WrongReason::Revoked => Self::Revoked,
                WrongReason::Disabled => Self::Disabled,
                WrongReason::Network => Self::Network,
                WrongReason::Ambiguous => Self::Ambiguous,
                WrongReason::Malformed => Self::Malformed,
            },
            AuthError::InsufficientScope(_) => Self::InsufficientScope,
            AuthError::Throttled(throttled) if throttled.client().is_some() => Self::Throttled,
            AuthError::Throttled(_) => Self::TooManyFailures,
            AuthError::SentInClear(_) => Self::SentInClear,
            AuthError::Unavailable(_) => Self::Unavailable,
            AuthError::Misconfigured(_) => Self::Misconfigured,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_variants_in_snake_case_at_their_index() {
        for (index, kind) in OutcomeKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index);
            let variant = format!("{kind:?}").to_lowercase();
            assert_eq!(kind.name().replace('_', ""), variant);
        }
    }

    #[test]
    fn wrong_key_has_the_kind_of_its_reason() {
        for reason in [
            WrongReason::Unknown,
            WrongReason::NotYetValid,
            WrongReason::Expired,
            WrongReason::Revoked,
            WrongReason::Disabled,
            WrongReason::Network,
            WrongReason::Ambiguous,
            WrongReason::Malformed,
        ] {
            let kind = OutcomeKind::of_refusal(&AuthError::wrong(reason, None, false));
            assert_eq!(kind.name(), reason.name());
        }
    }
}
