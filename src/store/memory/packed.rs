use crate::client::ClientProfile;
use crate::key::{KeyId, KeyState, PackedStatus, Timestamp};
use crate::manage::{KeyFacts, KeyInfo};
use crate::store::KeyRecord;
use crate::store::table::Row;

/// The facts of a key as the in-memory store keeps them: its row in the table, and its metadata in the index.
#[derive(Clone)]
pub(super) struct PackedKey {
    pub(super) row: Row,
    pub(super) status: PackedStatus,
    pub(super) metadata: KeyMetadata,
}

/// The facts of a key that are not needed to authenticate a request.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct KeyMetadata {
    label: Option<Box<str>>,
    created: Option<Timestamp>,
    revoked: Option<Timestamp>,
    replaced_by: Option<KeyId>,
}

impl KeyMetadata {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn replaced_by(&self) -> Option<KeyId> {
        self.replaced_by
    }
}

impl PackedKey {
    /// Packs the facts of a key, whose client has this profile and is enabled or disabled.
    pub(super) fn new(facts: KeyFacts, profile: &ClientProfile, client_enabled: bool) -> Self {
        let KeyRecord { digest, profile, status } = KeyRecord::of(&facts, profile, client_enabled);
        // The other facts are in the record.
        let KeyFacts {
            digest: _,
            client: _,
            label,
            scopes: _,
            networks: _,
            created,
            lifetime: _,
            revoked,
            replaced_by,
        } = facts;
        let label = label.map(String::into_boxed_str);
        let metadata = KeyMetadata { label, created, revoked, replaced_by };
        Self { row: Row { digest, profile }, status, metadata }
    }

    /// Returns whether both the key and its client are enabled.
    pub(super) fn is_enabled(&self) -> bool {
        self.status.state() != KeyState::Disabled
    }

    pub(super) fn facts(self) -> KeyFacts {
        let Self { row: Row { digest, profile }, status, metadata } = self;
        let KeyMetadata { label, created, revoked, replaced_by } = metadata;
        KeyFacts {
            label: label.map(String::from),
            created,
            revoked,
            replaced_by,
            ..KeyRecord { digest, profile, status }.facts()
        }
    }

    pub(super) fn info(self) -> KeyInfo {
        let is_enabled = self.is_enabled();
        self.facts().info(is_enabled)
    }
}
