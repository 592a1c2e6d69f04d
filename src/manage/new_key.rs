use std::time::SystemTime;

use crate::api_key::ApiKey;
use crate::digest::KeyDigest;

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
/// assert_eq!(new.label(), Some("production"));
/// # Ok::<(), keygate::GenerateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NewKey {
    digest: KeyDigest,
    label: Option<String>,
    expires: Option<SystemTime>,
}

impl NewKey {
    /// The key with this digest, without label and expiry.
    pub fn new(digest: KeyDigest) -> Self {
        Self { digest, label: None, expires: None }
    }

    /// Replaces the label, by which people tell the keys of a client apart: 1 to
    /// [`MAX_NAME_CHARS`](crate::MAX_NAME_CHARS) characters without controls and outer blanks.
    #[must_use]
    pub fn with_label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Replaces the expiry: at this instant, and ever after, the key is refused.
    #[must_use]
    pub fn with_expiry(self, expires: impl Into<Option<SystemTime>>) -> Self {
        Self { expires: expires.into(), ..self }
    }

    /// The digest under which the key is to be filed.
    pub fn digest(&self) -> KeyDigest {
        self.digest
    }

    pub(crate) fn into_label(self) -> Option<Box<str>> {
        self.label.map(Into::into)
    }

    /// What people are to call the key.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The instant at which the key is to expire.
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires
    }
}

impl From<&ApiKey> for NewKey {
    fn from(key: &ApiKey) -> Self {
        Self::new(key.digest())
    }
}
