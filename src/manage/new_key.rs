use std::time::SystemTime;

use super::Expiry;
use crate::client::{Network, Scope, sorted};
use crate::key::{ApiKey, KeyDigest, KeyId};

/// A key to be added to a store: its digest, label, lifetime, scopes and networks.
///
/// The caller keeps the text of the key, and should pass it on or save it *before* adding the key to a store.
/// Otherwise, a key that nobody has could become active, and after a rotation even the only active key.
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
    pub(super) not_before: Option<SystemTime>,
    pub(super) scopes: Vec<Scope>,
    pub(super) networks: Vec<Network>,
}

impl NewKey {
    /// Creates a key without a label, with [`Expiry::Inherit`].
    pub fn new(digest: KeyDigest) -> Self {
        Self {
            digest,
            label: None,
            expiry: Expiry::Inherit,
            not_before: None,
            scopes: Vec::new(),
            networks: Vec::new(),
        }
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

    /// Replaces the beginning: the key is refused before this instant. Without one it works at once, or, on rotation,
    /// when the old key begins to work.
    ///
    /// Stores round it up to a [`Timestamp`](crate::key::Timestamp), and refuse a time that is not before the expiry or
    /// is after the year 9999.
    #[must_use]
    pub fn with_not_before(self, not_before: impl Into<Option<SystemTime>>) -> Self {
        Self { not_before: not_before.into(), ..self }
    }

    /// Replaces the scopes of the key, which narrow those of its client. Without any, the key has all scopes of its client,
    /// or, on rotation, the scopes of the old key.
    ///
    /// Stores refuse a scope that the client lacks. If the client loses one later, the key loses it, too.
    #[must_use]
    pub fn with_scopes(self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self { scopes: sorted(scopes), ..self }
    }

    /// Replaces the networks from which the key may be used. Without any, it may be used from those of its client, or, on
    /// rotation, of the old key.
    ///
    /// Stores refuse a network that is not within those of the client, if it has any.
    #[must_use]
    pub fn with_networks(self, networks: impl IntoIterator<Item = Network>) -> Self {
        Self { networks: sorted(networks), ..self }
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

    /// Returns the scopes of the key, sorted.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Returns the networks of the key, sorted.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Returns the beginning of the key, if it has one.
    pub fn not_before(&self) -> Option<SystemTime> {
        self.not_before
    }
}

impl From<&ApiKey> for NewKey {
    fn from(key: &ApiKey) -> Self {
        Self::new(key.digest())
    }
}
