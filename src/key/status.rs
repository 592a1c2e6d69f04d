use crate::key::Timestamp;

/// State of a key, apart from its lifetime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// The key may be used during its lifetime.
    #[default]
    Active,
    /// The key's client is disabled.
    Disabled,
    /// The key was revoked permanently.
    Revoked,
}

impl KeyState {
    pub(crate) fn of(is_revoked: bool, client_enabled: bool) -> Self {
        match (is_revoked, client_enabled) {
            (true, _) => Self::Revoked,
            (false, false) => Self::Disabled,
            (false, true) => Self::Active,
        }
    }
}

/// The state and expiry of a key, and whether it was replaced, packed into eight bytes.
///
/// It is zero for an active key that never expires and was not replaced: most checks are one comparison, and a table of
/// such keys stores no status. The two top bits are the state, and the next one is set if the key was replaced. The
/// other bits are the expiry in microseconds since 1970, plus one. The end of 9999 takes 58 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackedStatus(u64);

const TIME: u64 = (1 << 61) - 1;
const REPLACED: u64 = 1 << 61;
const DISABLED: u64 = 1 << 62;
const REVOKED: u64 = 1 << 63;
const STATE: u64 = DISABLED | REVOKED;

const _: () = assert!(Timestamp::END < 1 << 58);

impl PackedStatus {
    pub(crate) const CLEAR: Self = Self(0);

    pub(crate) fn new(state: KeyState, expires: Option<Timestamp>) -> Self {
        Self(expires.map_or(0, |expires| expires.micros() + 1)).with_state(state)
    }

    pub(crate) const fn with_state(self, state: KeyState) -> Self {
        let state = match state {
            KeyState::Active => 0,
            KeyState::Disabled => DISABLED,
            KeyState::Revoked => REVOKED,
        };
        Self(self.0 & !STATE | state)
    }

    pub(crate) fn with_expiry(self, expires: Option<Timestamp>) -> Self {
        Self::new(self.state(), expires).with_replaced(self.is_replaced())
    }

    pub(crate) fn with_replaced(self, is_replaced: bool) -> Self {
        Self(self.0 & !REPLACED | if is_replaced { REPLACED } else { 0 })
    }

    pub(crate) fn is_replaced(self) -> bool {
        self.0 & REPLACED != 0
    }

    pub(crate) fn expires(self) -> Option<Timestamp> {
        (self.0 & TIME).checked_sub(1).map(Timestamp)
    }

    pub(crate) fn state(self) -> KeyState {
        match self.0 & STATE {
            0 => KeyState::Active,
            DISABLED => KeyState::Disabled,
            _ => KeyState::Revoked,
        }
    }

    pub(crate) fn is_revoked(self) -> bool {
        self.state() == KeyState::Revoked
    }
}

/// The bytes are stored in files: changing them requires a new version of the file format.
#[cfg(feature = "postgres")]
impl PackedStatus {
    pub(crate) const BYTES: usize = 8;

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0.to_le_bytes()
    }

    /// Returns `None` for bytes that are not a status.
    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let status = Self(u64::from_le_bytes(bytes));
        let is_valid = status.0 & STATE != STATE && status.0 & TIME <= Timestamp::END;
        is_valid.then_some(status)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::*;

    const STATES: [KeyState; 3] = [KeyState::Active, KeyState::Disabled, KeyState::Revoked];

    fn until(expires: impl Into<Option<SystemTime>>) -> Option<Timestamp> {
        expires.into().map(Timestamp::nearest)
    }

    fn micros(micros: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(micros)
    }

    #[test]
    fn expiry_and_state_are_kept_to_the_microsecond() {
        let instants = [0, 1, 1_700_000_000_123_456, 64_723_363_200_000_000, Timestamp::END - 1];
        for expires in [None].into_iter().chain(instants.map(micros).map(Some)) {
            for state in STATES {
                let status = PackedStatus::new(state, until(expires));
                assert_eq!((status.state(), status.expires()), (state, until(expires)));
                assert_eq!(
                    status,
                    PackedStatus::CLEAR.with_state(state).with_expiry(until(expires))
                );
            }
            let kept = until(expires).map(Timestamp::system_time);
            assert_eq!(kept, expires);
            let finer = expires.map(|expires| expires + Duration::from_nanos(999));
            assert_eq!(until(finer), until(expires));
        }
    }

    #[test]
    fn expiry_out_of_range_is_kept_as_the_nearest() {
        for expires in [micros(Timestamp::END), UNIX_EPOCH + Duration::from_secs(u64::MAX / 4)] {
            assert_eq!(until(expires), Some(Timestamp(Timestamp::END - 1)));
        }
        assert_eq!(until(UNIX_EPOCH - Duration::from_secs(1)), Some(Timestamp(0)));
    }

    #[test]
    fn only_active_keys_that_never_expire_are_clear() {
        let is_clear =
            |state, expires| PackedStatus::new(state, until(expires)) == PackedStatus::CLEAR;
        assert!(is_clear(KeyState::Active, None));
        assert!(!is_clear(KeyState::Active, Some(UNIX_EPOCH)));
        assert!(!is_clear(KeyState::Disabled, None));
        assert!(!is_clear(KeyState::Revoked, None));
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn bytes_are_read_back_or_refused() {
        for state in STATES {
            for expires in [until(None), until(UNIX_EPOCH), until(micros(Timestamp::END - 1))] {
                for is_replaced in [false, true] {
                    let status = PackedStatus::new(state, expires).with_replaced(is_replaced);
                    let read = PackedStatus::from_bytes(status.to_bytes()).unwrap();
                    assert_eq!((read, read.is_replaced()), (status, is_replaced));
                    assert_eq!((read.state(), read.expires()), (state, expires));
                }
            }
        }
        for invalid in [DISABLED | REVOKED, Timestamp::END + 1, u64::MAX] {
            assert_eq!(PackedStatus::from_bytes(invalid.to_le_bytes()), None);
        }
    }
}
