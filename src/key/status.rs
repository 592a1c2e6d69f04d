use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::key::{TimeError, Timestamp};

/// State of a key, apart from its expiry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// The key may be used until it expires.
    #[default]
    Active,
    /// The key's client is disabled.
    Disabled,
    /// The key was revoked permanently.
    Revoked,
}

/// The state and expiry of a key, packed into eight bytes.
///
/// It is zero for an active key that never expires: most checks are one comparison, and a table of such keys stores no
/// status. The two top bits are the state; the others are the expiry in microseconds since 1970, plus one. The end of
/// 9999 takes 58 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackedStatus(u64);

const TIME: u64 = (1 << 62) - 1;
const DISABLED: u64 = 1 << 62;
const REVOKED: u64 = 1 << 63;

const _: () = assert!(Timestamp::END < 1 << 58);

/// Marks an expiry that is out of range. No table contains it.
const BEFORE_EPOCH: u64 = TIME - 1;
const AFTER_END: u64 = TIME;

impl PackedStatus {
    pub(crate) const CLEAR: Self = Self(0);

    pub(crate) fn with_expiry(self, expires: Option<SystemTime>) -> Self {
        let time = match expires.map(Timestamp::try_from) {
            None => 0,
            Some(Ok(time)) => time.micros() + 1,
            Some(Err(TimeError::BeforeEpoch)) => BEFORE_EPOCH,
            Some(Err(_)) => AFTER_END,
        };
        Self(self.0 & !TIME | time)
    }

    /// Returns the error of an expiry that is out of range.
    pub(crate) fn expiry_error(self) -> Option<TimeError> {
        match self.0 & TIME {
            BEFORE_EPOCH => Some(TimeError::BeforeEpoch),
            AFTER_END => Some(TimeError::AfterEnd),
            _ => None,
        }
    }

    pub(crate) fn with_state(self, state: KeyState) -> Self {
        let state = match state {
            KeyState::Active => 0,
            KeyState::Disabled => DISABLED,
            KeyState::Revoked => REVOKED,
        };
        Self(self.0 & TIME | state)
    }

    pub(crate) const fn revoked(self) -> Self {
        Self(self.0 & TIME | REVOKED)
    }

    pub(crate) fn expires(self) -> Option<SystemTime> {
        match self.0 & TIME {
            0 => None,
            BEFORE_EPOCH => Some(UNIX_EPOCH - Duration::from_micros(1)),
            time => Some(UNIX_EPOCH + Duration::from_micros((time - 1).min(Timestamp::END))),
        }
    }

    pub(crate) fn state(self) -> KeyState {
        match self.0 & !TIME {
            0 => KeyState::Active,
            DISABLED => KeyState::Disabled,
            _ => KeyState::Revoked,
        }
    }

    #[inline]
    pub(crate) fn is_clear(self) -> bool {
        self == Self::CLEAR
    }

    pub(crate) fn is_revoked(self) -> bool {
        self.state() == KeyState::Revoked
    }
}

#[cfg(feature = "postgres")]
impl PackedStatus {
    /// Returns the status for a file that [`PackedStatus::from_bits`] reads.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roundtrip(expires: Option<SystemTime>, state: KeyState) -> (Option<SystemTime>, KeyState) {
        let status = PackedStatus::CLEAR.with_state(state).with_expiry(expires);
        assert_eq!(status, PackedStatus::CLEAR.with_expiry(expires).with_state(state));
        (status.expires(), status.state())
    }

    fn micros(micros: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(micros)
    }

    #[test]
    fn expiry_and_state_are_kept_to_the_microsecond() {
        let instants = [0, 1, 1_700_000_000_123_456, 64_723_363_200_000_000, Timestamp::END - 1];
        for expires in [None].into_iter().chain(instants.map(micros).map(Some)) {
            for state in [KeyState::Active, KeyState::Disabled, KeyState::Revoked] {
                assert_eq!(roundtrip(expires, state), (expires, state));
                assert_eq!(
                    PackedStatus::CLEAR.with_state(state).with_expiry(expires).expiry_error(),
                    None
                );
            }
            let finer = expires.map(|expires| expires + Duration::from_nanos(999));
            assert_eq!(roundtrip(finer, KeyState::Active), (expires, KeyState::Active));
        }
    }

    #[test]
    fn expiry_out_of_range_is_an_error_and_keeps_its_meaning() {
        for expires in [micros(Timestamp::END), UNIX_EPOCH + Duration::from_secs(u64::MAX / 4)] {
            let status =
                PackedStatus::CLEAR.with_state(KeyState::Disabled).with_expiry(Some(expires));
            assert_eq!(status.expiry_error(), Some(TimeError::AfterEnd));
            assert_eq!(status.state(), KeyState::Disabled);
            assert_eq!(status.expires(), Some(micros(Timestamp::END)));
        }
        let status = PackedStatus::CLEAR.with_expiry(Some(UNIX_EPOCH - Duration::from_secs(1)));
        assert_eq!(status.expiry_error(), Some(TimeError::BeforeEpoch));
        assert!(status.expires() < Some(UNIX_EPOCH));
    }

    #[test]
    fn only_active_keys_that_never_expire_are_clear() {
        assert!(PackedStatus::CLEAR.with_state(KeyState::Active).with_expiry(None).is_clear());
        assert!(!PackedStatus::CLEAR.with_expiry(Some(UNIX_EPOCH)).is_clear());
        assert!(!PackedStatus::CLEAR.with_state(KeyState::Disabled).is_clear());
        assert!(!PackedStatus::CLEAR.with_state(KeyState::Revoked).is_clear());
    }
}
