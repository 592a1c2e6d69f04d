use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::record::KeyState;

/// The state and the expiry of a key in eight bytes, which a table of millions keeps for each.
///
/// Zero for a key that is active and never expires: most checks are one comparison, and a table of
/// such keys needs no marks at all. The two top bits are the state, the others count nanoseconds
/// since 1970, plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

const TIME: u64 = (1 << 62) - 1;
const DISABLED: u64 = 1 << 62;
const REVOKED: u64 = 1 << 63;

impl Mark {
    pub(crate) const CLEAR: Self = Self(0);

    /// An expiry before 1970 becomes the beginning of 1970, one after the year 2115 its end.
    pub(crate) fn with_expiry(self, expires: Option<SystemTime>) -> Self {
        let time = expires.map_or(0, |expires| {
            let since = expires.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_nanos()).map_or(TIME, |nanos| nanos.saturating_add(1).min(TIME))
        });
        Self(self.0 & !TIME | time)
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
        let nanos = (self.0 & TIME).checked_sub(1)?;
        Some(UNIX_EPOCH + Duration::from_nanos(nanos))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn through(expires: Option<SystemTime>, state: KeyState) -> (Option<SystemTime>, KeyState) {
        let mark = Mark::CLEAR.with_state(state).with_expiry(expires);
        assert_eq!(mark, Mark::CLEAR.with_expiry(expires).with_state(state));
        (mark.expires(), mark.state())
    }

    #[test]
    fn expiry_and_state_come_back_to_the_nanosecond() {
        let instants = [0, 1, 1_700_000_000_123_456_789, TIME - 1];
        let instants = instants.map(|nanos| Some(UNIX_EPOCH + Duration::from_nanos(nanos)));
        for expires in [None].into_iter().chain(instants) {
            for state in [KeyState::Active, KeyState::Disabled, KeyState::Revoked] {
                assert_eq!(through(expires, state), (expires, state));
            }
        }
    }

    #[test]
    fn instants_out_of_range_keep_their_meaning() {
        let past = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(through(Some(past), KeyState::Active), (Some(UNIX_EPOCH), KeyState::Active));
        for nanos in [TIME, u64::MAX] {
            let far = UNIX_EPOCH + Duration::from_nanos(nanos);
            let last = Some(UNIX_EPOCH + Duration::from_nanos(TIME - 1));
            assert_eq!(through(Some(far), KeyState::Disabled), (last, KeyState::Disabled));
        }
    }

    #[test]
    fn only_active_keys_that_never_expire_are_clear() {
        assert!(Mark::CLEAR.with_state(KeyState::Active).with_expiry(None).is_clear());
        assert!(!Mark::CLEAR.with_expiry(Some(UNIX_EPOCH)).is_clear());
        assert!(!Mark::CLEAR.with_state(KeyState::Disabled).is_clear());
        assert!(!Mark::CLEAR.with_state(KeyState::Revoked).is_clear());
    }
}
