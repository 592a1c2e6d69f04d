use super::wrong_reason::WrongReason;
use crate::key::KeyId;

/// A key that was refused, and why. For logs only: the caller must not learn the reason.
///
/// ```
/// use keygate::{AuthError, Authenticator, MemoryStore, WrongReason};
///
/// let error = Authenticator::new(MemoryStore::new()).verify_key(b"a key of nobody").unwrap_err();
/// let AuthError::WrongCredentials(wrong) = error else { unreachable!() };
/// assert_eq!((wrong.reason(), wrong.key_id()), (WrongReason::Unknown, None));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WrongKey {
    pub(super) reason: WrongReason,
    pub(super) key_id: Option<KeyId>,
    /// The key came in `Authorization: Bearer`, so the challenge names the error (RFC 6750 section 3.1).
    pub(super) by_bearer: bool,
}

impl WrongKey {
    /// Returns why the key is wrong.
    pub fn reason(&self) -> WrongReason {
        self.reason
    }

    /// Returns the id of the key, if the store knows the key.
    pub fn key_id(&self) -> Option<KeyId> {
        self.key_id
    }

    pub(crate) fn by_bearer(&self) -> bool {
        self.by_bearer
    }
}
