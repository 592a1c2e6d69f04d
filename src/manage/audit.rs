use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use super::{ClientInfo, KeyInfo, KeyStatus, LastUsed, Policy, PurgeKeys};
use crate::key::KeyId;

mod finding;

pub use finding::{AuditFinding, AuditKind};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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
    watched_since: Option<SystemTime>,
    in_file: Vec<AuditFinding>,
}

impl Default for Audit {
    fn default() -> Self {
        let (policy, in_file) = Default::default();
        Self { policy, unused_for: 90 * DAY, watched_since: None, in_file }
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

    /// Sets the time since which the last use of keys has been watched, without a gap. Without it, only a key whose last
    /// use is [`LastUsed::Never`] counts as unused: any other may have been used when nothing watched.
    pub fn with_watched_since(self, since: impl Into<Option<SystemTime>>) -> Self {
        Self { watched_since: since.into(), ..self }
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
        let created: HashMap<_, _> =
            keys.iter().filter_map(|key| Some((key.key_id, key.created?))).collect();
        let works = |key: &&KeyInfo| key.is_live(now);
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
            let kinds = self.kinds(key, &created, now).into_iter().chain(removable);
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
    fn kinds(
        &self,
        key: &KeyInfo,
        created: &HashMap<KeyId, SystemTime>,
        now: SystemTime,
    ) -> Vec<AuditKind> {
        let mut kinds = Vec::new();
        match key.status(now) {
            KeyStatus::Active | KeyStatus::Replaced => {}
            KeyStatus::NotYetValid
            | KeyStatus::Disabled
            | KeyStatus::Expired
            | KeyStatus::Revoked => return kinds,
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
            // If the successor is unknown, any use counts.
            let replaced = created.get(&successor).copied().unwrap_or(SystemTime::UNIX_EPOCH);
            match key.last_used {
                LastUsed::At(time) if time >= replaced => kinds.push(AuditKind::ReplacedButUsed),
                _ if self.is_unused(key, replaced) => kinds.push(AuditKind::ReplacedAndUnused),
                _ => {}
            }
        }
        kinds
    }

    /// Returns whether a key is older than this time, and was certainly not used since.
    fn is_unused(&self, key: &KeyInfo, start: SystemTime) -> bool {
        let is_watched = self.watched_since.is_some_and(|since| since <= start);
        match key.last_used {
            LastUsed::At(time) => is_watched && time < start,
            LastUsed::Never => key.created.is_some_and(|created| created < start),
            LastUsed::Unknown => is_watched && key.created.is_none_or(|created| created < start),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::client::ClientProfile;
    use crate::key::{KeyState, Lifetime};

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn days_ago(days: u32) -> SystemTime {
        UNIX_EPOCH + NOW - days * DAY
    }

    fn key(change: impl FnOnce(&mut KeyInfo)) -> KeyInfo {
        let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
        key.created = Some(days_ago(200));
        key.lifetime = Lifetime::default().with_expiry(UNIX_EPOCH + NOW + DAY);
        change(&mut key);
        key
    }

    fn kinds(audit: &Audit, keys: &[KeyInfo]) -> Vec<AuditKind> {
        let findings = audit.findings(&[], keys, UNIX_EPOCH + NOW);
        findings.into_iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn key_is_unused_only_if_watched_for_that_long() {
        let found = |last_used, created, watched: Option<SystemTime>| {
            let audit = Audit::new().with_watched_since(watched);
            kinds(&audit, &[key(|key| (key.last_used, key.created) = (last_used, created))])
        };
        let old = Some(days_ago(200));
        let unused = [AuditKind::Unused];
        assert_eq!(found(LastUsed::At(days_ago(91)), old, old), unused);
        // It may have been used in a gap.
        assert_eq!(found(LastUsed::At(days_ago(100)), old, Some(days_ago(89))), []);
        assert_eq!(found(LastUsed::At(days_ago(100)), old, None), []);
        assert_eq!(found(LastUsed::At(days_ago(89)), old, old), []);
        assert_eq!(found(LastUsed::Never, old, old), unused);
        assert_eq!(found(LastUsed::Never, Some(days_ago(89)), old), []);
        assert_eq!(found(LastUsed::Unknown, old, Some(days_ago(90))), unused);
        assert_eq!(found(LastUsed::Unknown, None, Some(days_ago(90))), unused);
        assert_eq!(found(LastUsed::Unknown, old, Some(days_ago(89))), []);
        assert_eq!(found(LastUsed::Unknown, old, None), []);
    }

    #[test]
    fn key_that_works_for_longer_than_the_policy_allows_is_found() {
        let audit =
            |days: u32| Audit::new().with_policy(Policy::new().with_max_lifetime(days * DAY));
        // The key was issued 200 days ago, and expires tomorrow.
        assert_eq!(kinds(&audit(200), &[key(|_| {})]), [AuditKind::BeyondPolicy]);
        assert_eq!(kinds(&audit(201), &[key(|_| {})]), []);
        let forever = key(|key| key.lifetime = Lifetime::default());
        assert_eq!(kinds(&audit(200), &[forever]), [AuditKind::NeverExpires]);
    }

    #[test]
    fn replaced_key_is_used_or_safe_to_revoke() {
        let successor: KeyId = "08c1d5e2f3a4b596".parse().unwrap();
        let found = |last_used, watched| {
            let old = key(|key| (key.last_used, key.replaced_by) = (last_used, Some(successor)));
            let mut new = KeyInfo::new(successor, "App 1");
            new.created = Some(days_ago(5));
            new.lifetime = old.lifetime;
            kinds(&Audit::new().with_watched_since(watched), &[old, new])
        };
        assert_eq!(found(LastUsed::At(days_ago(4)), None), [AuditKind::ReplacedButUsed]);
        let watched = Some(days_ago(5));
        assert_eq!(found(LastUsed::At(days_ago(6)), watched), [AuditKind::ReplacedAndUnused]);
        for gap in [None, Some(days_ago(4))] {
            assert_eq!(found(LastUsed::At(days_ago(6)), gap), []);
        }
        assert_eq!(found(LastUsed::Unknown, watched), [AuditKind::ReplacedAndUnused]);
        assert_eq!(found(LastUsed::Unknown, Some(days_ago(4))), []);
    }

    #[test]
    fn key_that_ended_long_ago_can_be_removed() {
        let revoked = |days| {
            let revoke = |key: &mut KeyInfo| {
                key.state = KeyState::Revoked;
                key.revoked = Some(days_ago(days));
            };
            kinds(&Audit::new(), &[key(revoke)])
        };
        let expired = |days| {
            let lifetime = Lifetime::default().with_expiry(days_ago(days));
            kinds(&Audit::new(), &[key(|key| key.lifetime = lifetime)])
        };
        assert_eq!(
            (revoked(90), expired(90)),
            (vec![AuditKind::Removable], vec![AuditKind::Removable])
        );
        assert_eq!((revoked(89), expired(89)), (vec![], vec![]));
        let disabled =
            key(|key| (key.state, key.lifetime) = (KeyState::Disabled, Lifetime::default()));
        assert_eq!(kinds(&Audit::new(), &[disabled]), []);
    }

    #[test]
    fn key_that_a_purge_keeps_is_not_removable() {
        let successor: KeyId = "08c1d5e2f3a4b596".parse().unwrap();
        let mut revoked = KeyInfo::new(successor, "App 1");
        (revoked.state, revoked.revoked) = (KeyState::Revoked, Some(days_ago(100)));
        let keys = |old: KeyInfo| kinds(&Audit::new(), &[old, revoked.clone()]);
        // A key that still works names its successor.
        let old = key(|key| key.replaced_by = Some(successor));
        assert_eq!(keys(old.clone()), []);
        let expired = Lifetime::default().with_expiry(days_ago(10));
        assert_eq!(keys(KeyInfo { lifetime: expired, ..old }), [AuditKind::Removable]);
    }

    #[test]
    fn findings_of_the_file_come_last() {
        let in_file = AuditFinding::in_file(AuditKind::WeakKey, "keys.yml:3", "replace it");
        let audit = Audit::new().with_file([in_file.clone()]);
        let findings = audit.findings(&[ClientInfo::new("Z")], &[], UNIX_EPOCH + NOW);
        assert_eq!(findings.len(), 3);
        assert_eq!((&findings[2], findings[2].message().as_str()), (&in_file, "replace it"));
        assert_eq!(findings[0].message(), AuditKind::NoQuota.to_string());
    }

    #[test]
    fn client_without_quota_or_keys_is_found_before_its_keys() {
        let client = |name: &str| ClientInfo::new(name);
        let mut disabled = client("Old");
        disabled.enabled = false;
        let limited =
            ClientInfo::new(ClientProfile::new("App 2").with_quota("9/day".parse().unwrap()));
        let clients = [client("App 1"), limited, disabled];
        let forever = key(|key| key.lifetime = Lifetime::default());
        let findings =
            Audit::new().findings(&clients, std::slice::from_ref(&forever), UNIX_EPOCH + NOW);
        let found: Vec<_> =
            findings.iter().map(|it| (it.client.as_deref(), it.kind.name(), it.key_id)).collect();
        let expected = [
            (Some("App 1"), "no_quota", None),
            (Some("App 1"), "never_expires", Some(forever.key_id)),
            (Some("App 2"), "no_keys", None),
        ];
        assert_eq!(found, expected);
    }
}
