use std::time::UNIX_EPOCH;

use super::*;
use crate::client::ClientProfile;
use crate::key::{KeyId, KeyState, Lifetime};

mod networks;
mod replaced;

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
        let audit = Audit::new().with_watched(watched.map(|since| since..UNIX_EPOCH + NOW));
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
fn key_is_unused_only_since_it_could_be_used() {
    let audit = Audit::new().with_watched(days_ago(200)..UNIX_EPOCH + NOW);
    let used = [LastUsed::At(days_ago(150)), LastUsed::Never, LastUsed::Unknown];
    for (last_used, created) in
        used.into_iter().zip([Some(days_ago(200)), Some(days_ago(200)), None])
    {
        let found = |begins| {
            let key = key(|key| {
                (key.last_used, key.created) = (last_used, created);
                key.lifetime = key.lifetime.with_not_before(begins);
            });
            kinds(&audit, &[key])
        };
        assert_eq!(found(days_ago(90)), [], "{last_used:?}");
        assert_eq!(found(days_ago(0)), [], "{last_used:?}");
        assert_eq!(found(days_ago(91)), [AuditKind::Unused], "{last_used:?}");
    }
}

#[test]
fn key_that_works_for_longer_than_the_policy_allows_is_found() {
    let audit = |days: u32| Audit::new().with_policy(Policy::new().with_max_lifetime(days * DAY));
    // The key was issued 200 days ago, and expires tomorrow.
    assert_eq!(kinds(&audit(200), &[key(|_| {})]), [AuditKind::BeyondPolicy]);
    assert_eq!(kinds(&audit(201), &[key(|_| {})]), []);
    let forever = key(|key| key.lifetime = Lifetime::default());
    assert_eq!(kinds(&audit(200), &[forever]), [AuditKind::NeverExpires]);
}

#[test]
fn key_is_unused_only_if_watched_until_then() {
    let found = |last_used, until: SystemTime| {
        let audit = Audit::new().with_unused_for(DAY).with_watched(days_ago(200)..until);
        kinds(&audit, &[key(|key| key.last_used = last_used)])
    };
    let (second, limit) = (Duration::from_secs(1), days_ago(1));
    for used in [LastUsed::At(days_ago(2)), LastUsed::Never, LastUsed::Unknown] {
        assert_eq!(found(used, limit - second), [], "{used:?}");
        assert_eq!(found(used, limit), [AuditKind::Unused], "{used:?}");
    }
    assert_eq!(found(LastUsed::At(limit - 59 * second), limit), []);
    assert_eq!(found(LastUsed::At(limit - 60 * second), limit), [AuditKind::Unused]);
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
    let disabled = key(|key| (key.state, key.lifetime) = (KeyState::Disabled, Lifetime::default()));
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
    let limited = ClientInfo::new(ClientProfile::new("App 2").with_quota("9/day".parse().unwrap()));
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
