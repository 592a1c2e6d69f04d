use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::{KeyFacts, KeyInfo};

/// A key, and whether its client is enabled.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct KeyRow {
    pub(in crate::store) facts: KeyFacts,
    pub(in crate::store) enabled: bool,
}

impl KeyRow {
    pub(in crate::store) fn info(self) -> KeyInfo {
        self.facts.info(self.enabled)
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
