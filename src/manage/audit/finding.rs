use std::fmt;

use crate::key::KeyId;

/// A client or key that needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditFinding {
    /// Why.
    pub kind: AuditKind,
    /// The name of the client.
    pub client: String,
    /// The key; `None` if the finding concerns the client.
    pub key_id: Option<KeyId>,
    /// The label of the key.
    pub label: Option<String>,
}

/// Reason why a client or key needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditKind {
    /// The client is enabled and has no quota.
    NoQuota,
    /// The client is enabled and has no key that works.
    NoKeys,
    /// The key works and never expires.
    NeverExpires,
    /// The key works for longer than the policy of the store allows.
    BeyondPolicy,
    /// The key works and was not used for a long time.
    Unused,
    /// The key was replaced, and has been used since.
    ReplacedButUsed,
    /// The key was replaced, and has not been used since: it can be revoked.
    ReplacedAndUnused,
    /// The key was revoked or has expired a long time ago: it can be removed.
    Removable,
}

impl AuditKind {
    /// Returns one word: the variant's name in lower case, with underscores.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoQuota => "no_quota",
            Self::NoKeys => "no_keys",
            Self::NeverExpires => "never_expires",
            Self::BeyondPolicy => "beyond_policy",
            Self::Unused => "unused",
            Self::ReplacedButUsed => "replaced_but_used",
            Self::ReplacedAndUnused => "replaced_and_unused",
            Self::Removable => "removable",
        }
    }
}

/// Writes the reason and the way out.
impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoQuota => "has no quota: set one, or `unlimited`",
            Self::NoKeys => "has no key that works: issue one, or disable the client",
            Self::NeverExpires => "never expires: set an expiry, or rotate it",
            Self::BeyondPolicy => {
                "works for longer than the policy of the store allows: set an earlier expiry"
            }
            Self::Unused => "was not used for a long time: revoke it if nobody needs it",
            Self::ReplacedButUsed => {
                "was replaced and is still used: let its users change to the new key"
            }
            Self::ReplacedAndUnused => "was replaced and is no longer used: it is safe to revoke",
            Self::Removable => "no longer works, for a long time: it is safe to remove",
        })
    }
}
