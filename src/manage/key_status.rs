use std::fmt;
use std::time::SystemTime;

use super::error::RotationConflict;
use super::info::KeyInfo;
use crate::key::{KeyState, Validity};

/// Status of a key at a point in time, computed from its state, lifetime and successor.
///
/// As text it is one word, such as `replaced`.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use keygate::manage::{KeyInfo, KeyStatus};
///
/// let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
/// let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse()?, "App 1");
/// key.lifetime = key.lifetime.with_expiry(at(100));
/// assert_eq!(key.status(at(99)), KeyStatus::Active);
/// assert_eq!(key.status(at(100)), KeyStatus::Expired);
/// assert_eq!(key.status(at(100)).to_string(), "expired");
/// # Ok::<(), keygate::key::ParseKeyIdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyStatus {
    /// The key works.
    Active,
    /// The key begins to work later.
    NotYetValid,
    /// The key was [replaced](KeyInfo::replaced_by) by another key, and works until it expires.
    Replaced,
    /// The client of the key is disabled.
    Disabled,
    /// The key has expired.
    Expired,
    /// The key was revoked.
    Revoked,
}

impl KeyStatus {
    /// All variants.
    pub const ALL: &'static [Self] = &[
        Self::Active,
        Self::NotYetValid,
        Self::Replaced,
        Self::Disabled,
        Self::Expired,
        Self::Revoked,
    ];

    /// Returns one word: the variant's name in lower case, with underscores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::NotYetValid => "not_yet_valid",
            Self::Replaced => "replaced",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl KeyInfo {
    /// Returns the status of the key at this instant: the first that applies of revoked, expired, disabled, not yet
    /// valid, replaced and active.
    pub fn status(&self, now: SystemTime) -> KeyStatus {
        match (self.state, self.lifetime.validity(now), self.replaced_by) {
            (KeyState::Revoked, ..) => KeyStatus::Revoked,
            (_, Validity::Expired, _) => KeyStatus::Expired,
            (KeyState::Disabled, Validity::Valid | Validity::NotYetValid, _) => KeyStatus::Disabled,
            (KeyState::Active, Validity::NotYetValid, _) => KeyStatus::NotYetValid,
            (KeyState::Active, Validity::Valid, Some(_)) => KeyStatus::Replaced,
            (KeyState::Active, Validity::Valid, None) => KeyStatus::Active,
        }
    }

    /// Returns why the key cannot be rotated at this instant, or `None` if it can.
    ///
    /// [`ManageKeys::rotate`](crate::ManageKeys::rotate) fails with the same conflict. Call this before showing a new
    /// key.
    pub fn rotation_conflict(&self, now: SystemTime) -> Option<RotationConflict> {
        match self.status(now) {
            KeyStatus::Revoked => Some(RotationConflict::Revoked),
            KeyStatus::Expired => Some(RotationConflict::Expired),
            KeyStatus::Active
            | KeyStatus::NotYetValid
            | KeyStatus::Disabled
            | KeyStatus::Replaced => {
                self.replaced_by.map(|successor| RotationConflict::Replaced { successor })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn most_final_status_comes_first() {
        let now = UNIX_EPOCH + Duration::from_secs(100);
        let successor = "08c1d5e2f3a4b596".parse().unwrap();
        let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
        assert_eq!(key.status(now), KeyStatus::Active);
        assert_eq!(key.rotation_conflict(now), None);
        let replaced = Some(RotationConflict::Replaced { successor });
        key.replaced_by = Some(successor);
        assert_eq!(key.status(now), KeyStatus::Replaced);
        assert_eq!(key.rotation_conflict(now), replaced);
        key.lifetime = key.lifetime.with_not_before(now + Duration::from_micros(1));
        assert_eq!(key.status(now), KeyStatus::NotYetValid);
        assert!(!key.is_live(now) && key.is_live(now + Duration::from_micros(1)));
        assert_eq!(key.rotation_conflict(now), replaced);
        key.state = KeyState::Disabled;
        assert_eq!(key.status(now), KeyStatus::Disabled);
        assert_eq!(key.rotation_conflict(now), replaced);
        key.lifetime = key.lifetime.with_expiry(now);
        assert_eq!(key.status(now), KeyStatus::Expired);
        assert_eq!(key.rotation_conflict(now), Some(RotationConflict::Expired));
        key.state = KeyState::Revoked;
        assert_eq!(key.status(now), KeyStatus::Revoked);
        assert_eq!(key.rotation_conflict(now), Some(RotationConflict::Revoked));
    }
}
