use std::collections::HashSet;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use super::last_used::MINUTE;
use super::{ClientInfo, KeyInfo, KeyStatus, LastUsed, Policy, PurgeKeys};
use crate::client::ClientProfile;

mod finding;
mod lists;
#[cfg(test)]
mod tests;

pub use finding::{AuditFinding, AuditKind};
use lists::{Lists, is_nowhere};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The time without a use after which a replaced key counts as no longer used. A job that runs once a day must have had
/// its turn.
const UNUSED_SINCE_REPLACED: Duration = DAY;

/// A search for clients and keys that need attention, such as keys that never expire, that nobody uses, or that were
/// replaced but are still used.
///
/// It reads lists, and changes nothing. Keys that no longer work are only checked for whether a [`PurgeKeys`] can
/// remove them. The last use of a key is checked only if it was watched.
///
/// ```
/// use std::time::SystemTime;
/// use keygate::MemoryStore;
/// use keygate::manage::{Audit, AuditKind};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
/// let (clients, keys) = (store.list_clients(), store.list_keys(None)?);
/// let findings = Audit::new().findings(&clients, &keys, SystemTime::now());
/// let kinds: Vec<_> = findings.iter().map(|finding| finding.kind).collect();
/// assert_eq!(kinds, [AuditKind::NoQuota, AuditKind::NeverExpires]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Audit {
    policy: Policy,
    unused_for: Duration,
    watched: Option<Range<SystemTime>>,
    in_file: Vec<AuditFinding>,
}

impl Default for Audit {
    fn default() -> Self {
        let (policy, in_file) = Default::default();
        Self { policy, unused_for: 90 * DAY, watched: None, in_file }
    }
}

impl Audit {
    /// Creates an audit that finds keys that were not used for 90 days.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the policy that keys are checked against: see [`ManageKeys::policy`](crate::ManageKeys::policy).
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Replaces the time after which a key counts as unused, and a key that no longer works as removable.
    pub fn with_unused_for(self, time: Duration) -> Self {
        Self { unused_for: time, ..self }
    }

    /// Sets the time during which the last use of keys was watched, without a gap: with the feature `usage`,
    /// `LastUses::watched`. Without it, only a key whose last use is [`LastUsed::Never`] counts as unused, and no replaced
    /// key as no longer used: any other may have been used when nothing watched.
    pub fn with_watched(self, watched: impl Into<Option<Range<SystemTime>>>) -> Self {
        Self { watched: watched.into(), ..self }
    }

    /// Adds findings about the key file of the store that lists do not show: weak keys and plaintext keys. They are
    /// from `YamlLint::findings` (feature `yaml`), or from [`AuditFinding::in_file`].
    pub fn with_file(self, found: impl IntoIterator<Item = AuditFinding>) -> Self {
        Self { in_file: found.into_iter().collect(), ..self }
    }

    /// Returns the findings, sorted by client: first those about the client, then those about its keys, in their order.
    /// Findings about the file come last.
    pub fn findings(
        &self,
        clients: &[ClientInfo],
        keys: &[KeyInfo],
        now: SystemTime,
    ) -> Vec<AuditFinding> {
        let lists = Lists::new(clients, keys);
        let works = |key: &&KeyInfo| lists.works(key, now);
        let working: HashSet<_> = keys.iter().filter(works).map(|key| &*key.client).collect();
        let of_clients = clients.iter().filter(|client| client.enabled).flat_map(|client| {
            let name = client.profile.name();
            let kinds = [
                (AuditKind::NoQuota, client.profile.quota().is_none()),
                (AuditKind::NoKeys, !working.contains(name)),
            ];
            let found = kinds.into_iter().filter(|(_, is_found)| *is_found);
            found.map(move |(kind, _)| AuditFinding::of_client(kind, name))
        });
        let purge = self.purge(now);
        let removable: HashSet<_> = purge.removable(keys, now).map(|key| key.key_id).collect();
        let of_keys = keys.iter().flat_map(|key| {
            let removable = removable.contains(&key.key_id).then_some(AuditKind::Removable);
            let kinds = self.kinds(key, &lists, now).into_iter().chain(removable);
            kinds.map(|kind| AuditFinding::of_key(kind, key))
        });
        let mut findings: Vec<_> = of_clients.chain(of_keys).collect();
        // The sort is stable, which keeps the order of a client's keys.
        findings.sort_by(|one, other| one.client.cmp(&other.client));
        findings.extend(self.in_file.iter().cloned());
        findings
    }

    /// Returns the purge that removes the keys of [`AuditKind::Removable`].
    pub fn purge(&self, now: SystemTime) -> PurgeKeys {
        let start = self.start(now);
        PurgeKeys::new().revoked_before(start).expired_before(start)
    }

    fn start(&self, now: SystemTime) -> SystemTime {
        now.checked_sub(self.unused_for).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Returns the reasons why a key that works needs attention.
    fn kinds(&self, key: &KeyInfo, lists: &Lists<'_>, now: SystemTime) -> Vec<AuditKind> {
        let mut kinds = Vec::new();
        match key.status(now) {
            KeyStatus::Active | KeyStatus::Replaced => {}
            KeyStatus::NotYetValid
            | KeyStatus::Disabled
            | KeyStatus::Expired
            | KeyStatus::Revoked => return kinds,
        }
        if lists.is_nowhere(key) {
            kinds.push(AuditKind::NoNetworks);
        }
        if key.expires().is_none() {
            kinds.push(AuditKind::NeverExpires);
        } else if !self.policy.allows(key) {
            kinds.push(AuditKind::BeyondPolicy);
        }
        if self.is_unused(key, self.start(now)) {
            kinds.push(AuditKind::Unused);
        }
        if let Some(successor) = key.replaced_by {
            let is_used = match lists.key(successor) {
                Some(successor) => self.is_used(key, successor, lists.works(successor, now)),
                // It is not known when the key was replaced, so any use counts.
                None => matches!(key.last_used, LastUsed::At(_)).then_some(true),
            };
            kinds.extend(is_used.map(|is_used| {
                if is_used { AuditKind::ReplacedButUsed } else { AuditKind::ReplacedAndUnused }
            }));
        }
        kinds
    }

    /// Returns whether a replaced key of a client is still used: whether it has been used since its successor was issued.
    ///
    /// It is no longer used if its successor works now, and if the key was watched without a gap since both began to work,
    /// and was not used in that time, for at least a day. `None` if neither is known.
    ///
    /// Last uses are kept to the minute. A key that was last used in the minute in which its successor began to work may
    /// have been used after that, so the day begins at the end of this minute.
    pub fn is_still_used(
        &self,
        key: &KeyInfo,
        successor: &KeyInfo,
        client: &ClientProfile,
        now: SystemTime,
    ) -> Option<bool> {
        self.is_used(key, successor, successor.is_live(now) && !is_nowhere(successor, client))
    }

    fn is_used(&self, key: &KeyInfo, successor: &KeyInfo, works: bool) -> Option<bool> {
        if works && self.is_no_longer_used(key, successor) {
            return Some(false);
        }
        let issued = successor.created.unwrap_or(SystemTime::UNIX_EPOCH);
        matches!(key.last_used, LastUsed::At(minute) if minute >= issued).then_some(true)
    }

    fn is_no_longer_used(&self, key: &KeyInfo, successor: &KeyInfo) -> bool {
        let (Some(watched), Some(issued)) = (&self.watched, successor.created) else {
            return false;
        };
        // Before both keys worked, nobody could choose between them.
        let begins = [key, successor].into_iter().filter_map(KeyInfo::not_before);
        let since = begins.fold(issued, SystemTime::max);
        let unused_since = match key.last_used {
            LastUsed::At(minute) if minute >= since => return false,
            LastUsed::At(minute) => since.max(minute + MINUTE),
            LastUsed::Never | LastUsed::Unknown => since,
        };
        watched.start <= since && unused_since + UNUSED_SINCE_REPLACED <= watched.end
    }

    /// Returns whether a key could be used before this time, and was certainly not used since.
    fn is_unused(&self, key: &KeyInfo, start: SystemTime) -> bool {
        let is_watched =
            self.watched.as_ref().is_some_and(|it| it.start <= start && start <= it.end);
        let is_older = key.usable_since().map(|since| since < start);
        match key.last_used {
            LastUsed::At(_) => {
                is_watched && is_older != Some(false) && !key.last_used.may_be_since(start)
            }
            // It was watched since its issue.
            LastUsed::Never => {
                is_older == Some(true) && self.watched.as_ref().is_none_or(|it| start <= it.end)
            }
            LastUsed::Unknown => is_watched && is_older != Some(false),
        }
    }
}
