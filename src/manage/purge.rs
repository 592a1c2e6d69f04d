//! Removal of keys that ended long ago.

use std::collections::HashSet;
use std::time::SystemTime;

use super::{KeyFacts, KeyInfo};
use crate::key::{KeyState, Validity};

/// Selects the keys that [`ManageKeys::purge_keys`](crate::ManageKeys::purge_keys) removes: keys that were revoked or
/// expired before a time.
///
/// Without a time, it selects none. It never selects a key that works or may work later, such as a replaced key that
/// still works, a key of a disabled client, or a key that is not valid yet.
///
/// ```
/// use std::time::SystemTime;
/// use keygate::MemoryStore;
/// use keygate::manage::PurgeKeys;
///
/// let store = MemoryStore::new();
/// let old = store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
/// store.insert("ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM", "User 1")?;
/// store.revoke(&old)?;
///
/// let all_revoked = PurgeKeys::new().revoked_before(SystemTime::now());
/// assert_eq!(store.purge_keys(&all_revoked.dry_run())?[0].key_id, old);
/// assert_eq!(store.list_keys(None)?.len(), 2);
/// assert_eq!(store.purge_keys(&all_revoked)?.len(), 1);
/// assert_eq!(store.list_keys(None)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct PurgeKeys {
    revoked_before: Option<SystemTime>,
    expired_before: Option<SystemTime>,
    is_dry_run: bool,
}

impl PurgeKeys {
    /// Creates a purge that selects no keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects the keys that were revoked at this time or before, expired or not.
    pub fn revoked_before(self, time: SystemTime) -> Self {
        Self { revoked_before: Some(time), ..self }
    }

    /// Selects the keys that have expired at this time or before and were not revoked. A time in the future selects no more
    /// than the current time.
    pub fn expired_before(self, time: SystemTime) -> Self {
        Self { expired_before: Some(time), ..self }
    }

    /// Makes the purge return the keys that it would remove, without removing them.
    pub fn dry_run(self) -> Self {
        Self { is_dry_run: true, ..self }
    }

    /// Returns whether the purge removes nothing.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.is_dry_run
    }

    /// Returns whether the purge selects this key, regardless of other keys.
    #[must_use]
    pub fn selects(&self, key: &KeyInfo, now: SystemTime) -> bool {
        let is_by = |time: Option<SystemTime>, limit: Option<SystemTime>| {
            time.zip(limit).is_some_and(|(time, limit)| time <= limit)
        };
        match (key.state, key.lifetime.validity(now)) {
            (KeyState::Revoked, _) => is_by(key.revoked, self.revoked_before),
            (KeyState::Active | KeyState::Disabled, Validity::Expired) => {
                is_by(key.expires(), self.expired_before)
            }
            (KeyState::Active | KeyState::Disabled, Validity::Valid | Validity::NotYetValid) => {
                false
            }
        }
    }

    /// Returns the keys in a complete list that the purge removes: the selected ones, except successors of keys that
    /// may still work.
    pub(crate) fn removable<'k>(
        &self,
        keys: &'k [KeyInfo],
        now: SystemTime,
    ) -> impl Iterator<Item = &'k KeyInfo> {
        let may_work = |key: &&KeyInfo| {
            key.state != KeyState::Revoked && key.lifetime.validity(now) != Validity::Expired
        };
        let named = keys.iter().filter(may_work).filter_map(|key| key.replaced_by);
        let named = named.collect::<HashSet<_>>();
        let purge = *self;
        let is_removed =
            move |key: &&KeyInfo| purge.selects(key, now) && !named.contains(&key.key_id);
        keys.iter().filter(is_removed)
    }

    /// Returns whether the purge may select revoked keys, and the latest expiry of other keys that it selects.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn limits(&self, now: SystemTime) -> (bool, Option<crate::key::Timestamp>) {
        let expired = self.expired_before.map(|time| crate::key::Timestamp::nearest(time.min(now)));
        (self.revoked_before.is_some(), expired)
    }
}

/// The result of [`rules::purge`](super::rules::purge).
///
/// See there for an example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// The keys to remove.
    pub removed: Vec<KeyFacts>,
    /// Keys that were replaced by a removed key, without its id. None of them works.
    pub changed: Vec<KeyFacts>,
}
