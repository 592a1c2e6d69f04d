use std::time::SystemTime;

use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::{KeyDigest, KeyId, KeyState};
use crate::manage::{KeyInfo, KeyMetadata};

/// A row of the clients.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct ClientRow {
    pub(in crate::store) profile: ClientProfile,
    pub(in crate::store) enabled: bool,
}

/// A row of the keys.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct KeyRow {
    pub(in crate::store) digest: KeyDigest,
    pub(in crate::store) client: String,
    /// Whether the client is enabled, from the client's row.
    pub(in crate::store) enabled: bool,
    pub(in crate::store) expires: Option<SystemTime>,
    pub(in crate::store) metadata: KeyMetadata,
}

impl KeyRow {
    /// Creates a key without further facts.
    pub(super) fn new(digest: KeyDigest, client: String) -> Self {
        Self { digest, client, enabled: true, expires: None, metadata: KeyMetadata::default() }
    }

    pub(in crate::store) fn key_id(&self) -> KeyId {
        self.digest.key_id()
    }

    pub(in crate::store) fn state(&self) -> KeyState {
        match (&self.metadata.revoked, self.enabled) {
            (Some(_), _) => KeyState::Revoked,
            (None, false) => KeyState::Disabled,
            (None, true) => KeyState::Active,
        }
    }

    pub(in crate::store) fn info(self) -> KeyInfo {
        KeyInfo {
            key_id: self.key_id(),
            state: self.state(),
            client: self.client,
            label: self.metadata.label.map(Into::into),
            created: self.metadata.created,
            expires: self.expires,
            revoked: self.metadata.revoked,
            replaced_by: self.metadata.replaced_by,
        }
    }
}

/// The valid columns of a row, and the first error in it.
#[derive(Clone, Debug)]
pub(in crate::store) struct PartialRow<T> {
    pub(in crate::store) row: T,
    pub(in crate::store) error: Option<BadRow>,
}

impl<T> PartialRow<T> {
    pub(in crate::store) fn complete(self) -> Result<T, BadRow> {
        self.error.map_or(Ok(self.row), Err)
    }
}

/// The error for an invalid row, which keygate does not write.
///
/// It names the client or the id of the key, so that the operator can find the row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row of {subject} cannot be used: {why}")]
pub(in crate::store) struct BadRow {
    pub(in crate::store) subject: String,
    pub(in crate::store) why: String,
}

impl BadRow {
    pub(in crate::store) fn client(name: &str, why: impl Into<String>) -> Self {
        Self { subject: format!("the client `{name}`"), why: why.into() }
    }

    pub(in crate::store) fn key(key_id: KeyId, why: impl Into<String>) -> Self {
        Self { subject: format!("the key {key_id}"), why: why.into() }
    }
}

impl From<BadRow> for StoreError {
    fn from(row: BadRow) -> Self {
        Self::new(row)
    }
}
