use std::fmt;

use crate::key::KeyId;
use crate::manage::KeyInfo;

/// A client, key or line of a key file that needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditFinding {
    /// The reason.
    pub kind: AuditKind,
    /// The name of the client; `None` if the finding concerns a file.
    pub client: Option<String>,
    /// The key; `None` if the finding concerns the client or a file.
    pub key_id: Option<KeyId>,
    /// The label of the key.
    pub label: Option<String>,
    /// The path of a key file, with the line if there is one: `keys.yml:3`.
    pub place: Option<String>,
    /// The problem in the file, with a remedy. It never shows a key.
    pub detail: Option<String>,
}

impl AuditFinding {
    pub(super) fn of_client(kind: AuditKind, client: &str) -> Self {
        let client = Some(client.to_owned());
        Self { kind, client, key_id: None, label: None, place: None, detail: None }
    }

    pub(super) fn of_key(kind: AuditKind, key: &KeyInfo) -> Self {
        let (key_id, label) = (Some(key.key_id), key.label.clone());
        Self { key_id, label, ..Self::of_client(kind, &key.client) }
    }

    /// Creates a finding about a file, whose keys have no ids: see [`Audit::with_file`](super::Audit::with_file).
    pub fn in_file(kind: AuditKind, place: impl Into<String>, detail: impl Into<String>) -> Self {
        let (place, detail) = (Some(place.into()), Some(detail.into()));
        Self { kind, client: None, key_id: None, label: None, place, detail }
    }

    /// Returns the reason and the remedy, in one sentence.
    pub fn message(&self) -> String {
        self.detail.clone().unwrap_or_else(|| self.kind.to_string())
    }
}

/// Reason why a client or key needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditKind {
    /// The client is enabled and has no quota.
    NoQuota,
    /// The client is enabled and has no working key, or its working keys may be used from nowhere.
    NoKeys,
    /// The key may be used from nowhere, because its client has lost the networks of the key: see
    /// [`KeyInfo::allowed_networks`].
    NoNetworks,
    /// The key works and never expires.
    NeverExpires,
    /// The key works for longer than the policy of the store allows.
    BeyondPolicy,
    /// The key works, could be used for a long time, and was not.
    Unused,
    /// The key was replaced, and has been used since.
    ReplacedButUsed,
    /// The key was replaced, and has not been used since its successor began to work, for at least a day: see
    /// [`Audit::is_still_used`](super::Audit::is_still_used).
    ReplacedAndUnused,
    /// The key was revoked or has expired a long time ago: it can be removed.
    Removable,
    /// A key in a file is easier to guess than a random key.
    WeakKey,
    /// The file holds keys in plaintext.
    Plaintext,
}

impl AuditKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::NoQuota,
        Self::NoKeys,
        Self::NoNetworks,
        Self::NeverExpires,
        Self::BeyondPolicy,
        Self::Unused,
        Self::ReplacedButUsed,
        Self::ReplacedAndUnused,
        Self::Removable,
        Self::WeakKey,
        Self::Plaintext,
    ];

    /// Returns one word: the variant's name in lower case, with underscores.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoQuota => "no_quota",
            Self::NoKeys => "no_keys",
            Self::NoNetworks => "no_networks",
            Self::NeverExpires => "never_expires",
            Self::BeyondPolicy => "beyond_policy",
            Self::Unused => "unused",
            Self::ReplacedButUsed => "replaced_but_used",
            Self::ReplacedAndUnused => "replaced_and_unused",
            Self::Removable => "removable",
            Self::WeakKey => "weak_key",
            Self::Plaintext => "plaintext",
        }
    }
}

/// Writes the reason and the remedy.
impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoQuota => "has no quota: set one, or `unlimited`",
            Self::NoKeys => "has no key that works: issue one, or disable the client",
            Self::NoNetworks => {
                "may be used from nowhere, since its client lacks its networks: change one of them, or revoke it"
            }
            Self::NeverExpires => "never expires: set an expiry, or rotate it",
            Self::BeyondPolicy => {
                "works for longer than the policy of the store allows: set an earlier expiry"
            }
            Self::Unused => "has not been used for a long time: revoke it if nobody needs it",
            Self::ReplacedButUsed => {
                "was replaced and is still used: switch its users to the new key"
            }
            Self::ReplacedAndUnused => {
                "was replaced and has not been used since its successor began to work: revoke it if nothing needs it"
            }
            Self::Removable => "has not worked for a long time: it is safe to remove",
            Self::WeakKey => "is easier to guess than a random key: replace it",
            Self::Plaintext => "is in plaintext: `keygate hash` turns it into a digest",
        })
    }
}
