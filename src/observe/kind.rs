use super::Outcome;
use crate::error::{AuthError, WrongReason};

/// The kind of an outcome, as the index of its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(usize);

impl Kind {
    pub(crate) const COUNT: usize = 12;

    #[cfg(feature = "usage")]
    pub(crate) const ADMITTED: Self = Self(0);

    const NAMES: [&str; Self::COUNT] = [
        "admitted",
        "no_credentials",
        "unknown",
        "expired",
        "revoked",
        "disabled",
        "ambiguous",
        "malformed",
        "insufficient_scope",
        "throttled",
        "too_many_failures",
        "unavailable",
    ];

    #[inline]
    pub(crate) fn of(outcome: &Outcome<'_>) -> Self {
        let Err(error) = outcome.result else { return Self(0) };
        Self(match error {
            AuthError::NoCredentials => 1,
            AuthError::WrongCredentials { reason, .. } => match reason {
                WrongReason::Unknown => 2,
                WrongReason::Expired => 3,
                WrongReason::Revoked => 4,
                WrongReason::Disabled => 5,
                WrongReason::Ambiguous => 6,
                WrongReason::Malformed => 7,
            },
            AuthError::InsufficientScope(_) => 8,
            AuthError::Throttled(throttled) if throttled.client().is_some() => 9,
            AuthError::Throttled(_) => 10,
            AuthError::Unavailable(_) => 11,
        })
    }

    #[cfg(feature = "usage")]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self.0]
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::error::StoreError;
    use crate::key::KeyDigest;

    #[test]
    fn kinds_have_the_names_of_their_outcomes() {
        let reasons = [
            WrongReason::Unknown,
            WrongReason::Expired,
            WrongReason::Revoked,
            WrongReason::Disabled,
            WrongReason::Ambiguous,
            WrongReason::Malformed,
        ];
        let client = Client::new("User 1".into(), KeyDigest::of(b"x").key_id(), false);
        let others = [
            AuthError::NoCredentials,
            client.require("a").unwrap_err(),
            AuthError::Unavailable(StoreError::timed_out()),
        ];
        let errors = reasons.map(|reason| AuthError::wrong(reason, None, false));
        for error in errors.into_iter().chain(others) {
            let outcome = Outcome::refused(&error, None);
            assert_eq!(Kind::of(&outcome).name(), outcome.name());
        }
        let admitted = Outcome::admitted(&client);
        assert_eq!(Kind::of(&admitted).name(), admitted.name());
    }

    #[cfg(feature = "throttle")]
    #[test]
    fn kinds_of_throttling_have_the_names_of_outcomes() {
        let profile = crate::ClientProfile::new("User 1").with_quota("1/day".parse().unwrap());
        let client = Client::new(profile, KeyDigest::of(b"x").key_id(), false);
        let throttle = crate::Throttle::new();
        let _ = throttle.check(&client).unwrap();
        let error = throttle.check(&client).unwrap_err();
        let address = AuthError::Throttled(crate::error::Throttled::address(
            1,
            Some((WrongReason::Revoked, None)),
        ));
        for error in [error, address] {
            let outcome = Outcome::refused(&error, None);
            assert_eq!(Kind::of(&outcome).name(), outcome.name());
        }
    }
}
