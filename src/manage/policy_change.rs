use std::time::Duration;

use super::Policy;
use super::policy::Span;

/// A change of the [`Policy`], for [`ManageKeys::update_policy`](crate::ManageKeys::update_policy).
///
/// Everything that the change does not name stays. A [`Policy`] converts to the change that names everything.
///
/// ```
/// use std::time::Duration;
/// use keygate::MemoryStore;
/// use keygate::manage::{Policy, PolicyChange};
///
/// # fn main() -> Result<(), keygate::manage::ManageError> {
/// let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
/// let store = MemoryStore::new();
/// store.update_policy(PolicyChange::new().with_max_lifetime(days(365)))?;
/// let policy = store.update_policy(PolicyChange::new().with_default_lifetime(days(90)))?;
/// assert_eq!(policy.max_lifetime(), Some(days(365)));
///
/// let policy = store.update_policy(Policy::new().with_default_lifetime(days(30)))?;
/// assert_eq!(policy.max_lifetime(), None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct PolicyChange(Vec<PolicyEdit>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PolicyEdit {
    MaxLifetime(Option<Span>),
    DefaultLifetime(Option<Span>),
    RequireExpiry(bool),
    All(Policy),
}

impl PolicyChange {
    /// Creates a change that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the longest lifetime of a key: see [`Policy::with_max_lifetime`]. `None` removes it.
    pub fn with_max_lifetime(self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.and(PolicyEdit::MaxLifetime(Span::of(lifetime)))
    }

    /// Replaces the lifetime of a key that is issued without an expiry: see [`Policy::with_default_lifetime`]. `None`
    /// removes it.
    pub fn with_default_lifetime(self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.and(PolicyEdit::DefaultLifetime(Span::of(lifetime)))
    }

    /// Requires that each key expires.
    pub fn require_expiry(self) -> Self {
        self.and(PolicyEdit::RequireExpiry(true))
    }

    /// Allows keys that never expire, unless the policy has a longest lifetime.
    pub fn allow_no_expiry(self) -> Self {
        self.and(PolicyEdit::RequireExpiry(false))
    }

    /// Returns whether the change is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn and(mut self, edit: PolicyEdit) -> Self {
        self.0.push(edit);
        self
    }

    /// Returns whether the result does not depend on the policy before the change.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn replaces_all(&self) -> bool {
        self.0.iter().any(|edit| matches!(edit, PolicyEdit::All(_)))
    }

    /// Returns the policy after the change.
    pub(super) fn apply(self, policy: Policy) -> Policy {
        self.0.into_iter().fold(policy, |policy, edit| match edit {
            PolicyEdit::MaxLifetime(max_lifetime) => Policy { max_lifetime, ..policy },
            PolicyEdit::DefaultLifetime(default_lifetime) => Policy { default_lifetime, ..policy },
            PolicyEdit::RequireExpiry(require_expiry) => Policy { require_expiry, ..policy },
            PolicyEdit::All(policy) => policy,
        })
    }
}

impl From<Policy> for PolicyChange {
    fn from(policy: Policy) -> Self {
        Self::new().and(PolicyEdit::All(policy))
    }
}
