use super::Expiry;
use crate::key::{ApiKey, KeyDigest, KeyId};

/// A key to be added to a store: its digest, label and expiry.
///
/// The caller keeps the text of the key, and should pass it on or save it *before* adding the key to a store.
/// Otherwise a key that nobody has would be active, and after a rotation it would be the only one.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use keygate::{ApiKey, NewKey};
///
/// let key = ApiKey::generate("acme")?;
/// let in_90_days = SystemTime::now() + Duration::from_secs(90 * 24 * 60 * 60);
/// let new = NewKey::from(&key).with_label("production").with_expiry(in_90_days);
/// assert_eq!((new.label(), new.key_id()), (Some("production"), key.key_id()));
/// # Ok::<(), keygate::key::GenerateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NewKey {
    pub(super) digest: KeyDigest,
    pub(super) label: Option<String>,
    pub(super) expiry: Expiry,
}

impl NewKey {
    /// Creates a key without a label, with [`Expiry::Inherit`].
    pub fn new(digest: KeyDigest) -> Self {
        Self { digest, label: None, expiry: Expiry::Inherit }
    }

    /// Replaces the label, which helps people to distinguish the keys of a client. It has 1 to
    /// [`MAX_NAME_CHARS`](crate::client::MAX_NAME_CHARS) characters, without control characters or blanks at either
    /// end.
    #[must_use]
    pub fn with_label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Replaces the expiry with an [`Expiry`], a `SystemTime`, or an `Option` of one, where `None` is
    /// [`Expiry::Never`].
    ///
    /// Stores keep it as a [`Timestamp`](crate::key::Timestamp), and refuse a time out of its range.
    #[must_use]
    pub fn with_expiry(self, expiry: impl Into<Expiry>) -> Self {
        Self { expiry: expiry.into(), ..self }
    }

    /// Returns the digest of the key.
    pub fn digest(&self) -> KeyDigest {
        self.digest
    }

    /// Returns the public handle of the key.
    pub fn key_id(&self) -> KeyId {
        self.digest.key_id()
    }

    /// Returns the label of the key.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Returns the expiry of the key.
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }
}

impl From<&ApiKey> for NewKey {
    fn from(key: &ApiKey) -> Self {
        Self::new(key.digest())
    }
}
