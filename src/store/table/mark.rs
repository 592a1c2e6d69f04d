use std::time::{Duration, UNIX_EPOCH};

use crate::record::{KeyRecord, KeyState};

/// The state and the expiry of a key in eight bytes.
///
/// Zero for a key that is active and never expires, so that a segment of such keys needs no marks
/// at all. All ones for a revoked key. Otherwise the top bit says "disabled", and the others count
/// nanoseconds since 1970, plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Mark(u64);

const DISABLED: u64 = 1 << 63;
const TIME: u64 = DISABLED - 1;
/// The last instant that can be told apart, in the year 2262; what expires later never does.
const LAST: u64 = TIME - 1;

impl Mark {
    pub(in crate::store) const CLEAR: Self = Self(0);
    pub(in crate::store) const REVOKED: Self = Self(u64::MAX);

    pub(in crate::store) fn of(record: &KeyRecord) -> Self {
        let time = record.expires().map_or(0, |expires| {
            // Before 1970 is long gone: any instant that has passed will do.
            let since = expires.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_nanos())
                .ok()
                .filter(|nanos| *nanos < LAST)
                .map_or(0, |nanos| nanos + 1)
        });
        match record.state() {
            KeyState::Revoked => Self::REVOKED,
            KeyState::Disabled => Self(DISABLED | time),
            KeyState::Active => Self(time),
        }
    }

    pub(in crate::store) fn is_revoked(self) -> bool {
        self == Self::REVOKED
    }

    /// Puts the state and the expiry back into a record.
    #[inline]
    pub(in crate::store) fn apply(self, record: KeyRecord) -> KeyRecord {
        if self == Self::CLEAR { record } else { self.unpack(record) }
    }

    #[cold]
    fn unpack(self, record: KeyRecord) -> KeyRecord {
        if self.is_revoked() {
            return record.with_state(KeyState::Revoked);
        }
        let state = if self.0 & DISABLED == 0 { KeyState::Active } else { KeyState::Disabled };
        let time = (self.0 & TIME).checked_sub(1);
        record
            .with_state(state)
            .with_expiry(time.map(|nanos| UNIX_EPOCH + Duration::from_nanos(nanos)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::digest::KeyDigest;

    fn through(expires: Option<SystemTime>, state: KeyState) -> (Option<SystemTime>, KeyState) {
        let plain = KeyRecord::new(KeyDigest::of(b"key"), "User 1");
        let mark = Mark::of(&plain.clone().with_expiry(expires).with_state(state));
        let back = mark.apply(plain);
        (back.expires(), back.state())
    }

    #[test]
    fn expiry_and_state_come_back_to_the_nanosecond() {
        let instants = [0, 1, 1_700_000_000_123_456_789, LAST - 1];
        for expires in instants.map(|nanos| Some(UNIX_EPOCH + Duration::from_nanos(nanos))) {
            for state in [KeyState::Active, KeyState::Disabled] {
                assert_eq!(through(expires, state), (expires, state));
            }
        }
        assert_eq!(through(None, KeyState::Disabled), (None, KeyState::Disabled));
        assert_eq!(through(None, KeyState::Active), (None, KeyState::Active));
        assert_eq!(through(Some(UNIX_EPOCH), KeyState::Revoked).1, KeyState::Revoked);
    }

    #[test]
    fn instants_out_of_range_keep_their_meaning() {
        let past = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(through(Some(past), KeyState::Active), (Some(UNIX_EPOCH), KeyState::Active));
        let far = UNIX_EPOCH + Duration::from_secs(400 * 365 * 86_400);
        assert_eq!(through(Some(far), KeyState::Active), (None, KeyState::Active));
    }
}
