use super::Expiry;
use crate::key::{ApiKey, KeyDigest, KeyId};

/// A key that is to be filed: its digest, and what is to be known of it.
///
/// The text of the key stays with the caller, who should have handed it over, or written it down,
/// *before* a store is told: a key that was never seen would otherwise be live, and after a rotation
/// the only one.
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
    digest: KeyDigest,
    label: Option<String>,
    expiry: Expiry,
}

impl NewKey {
    /// The key with this digest, without a label. Its expiry is [`Expiry::Inherit`].
    pub fn new(digest: KeyDigest) -> Self {
        Self { digest, label: None, expiry: Expiry::Inherit }
    }

    /// Replaces the label, by which people tell the keys of a client apart: 1 to
    /// [`MAX_NAME_CHARS`](crate::client::MAX_NAME_CHARS) characters without controls and outer blanks.
    #[must_use]
    pub fn with_label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Replaces the expiry: an [`Expiry`], a `SystemTime`, or an `Option` of one, where `None` is
    /// [`Expiry::Never`].
    ///
    /// Stores keep it as a [`Timestamp`](crate::key::Timestamp), and refuse one that is none.
    #[must_use]
    pub fn with_expiry(self, expiry: impl Into<Expiry>) -> Self {
        Self { expiry: expiry.into(), ..self }
    }

    /// The digest under which the key is to be filed.
    pub fn digest(&self) -> KeyDigest {
        self.digest
    }

    /// The public handle under which the key is to be known.
    pub fn key_id(&self) -> KeyId {
        self.digest.key_id()
    }

    pub(crate) fn into_label(self) -> Option<Box<str>> {
        self.label.map(Into::into)
    }

    /// What people are to call the key.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The expiry that the key brings.
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }
}

impl From<&ApiKey> for NewKey {
    fn from(key: &ApiKey) -> Self {
        Self::new(key.digest())
    }
}
