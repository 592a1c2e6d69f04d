//! The rules of managing, as pure functions: each takes the facts of a client or key and a change, and returns the new
//! facts.
//!
//! All stores of this crate call them, so that a change means the same everywhere. Call them when you implement
//! [`ManageKeys`](crate::ManageKeys).
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//! use keygate::{ApiKey, ClientProfile, NewKey};
//! use keygate::manage::{ManageError, Policy, rules};
//!
//! let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
//! let [first, second] = [ApiKey::generate("acme")?, ApiKey::generate("acme")?];
//! let policy = Policy::new();
//! let app = ClientProfile::new("App 1").with_scopes(["orders:read".parse()?]);
//! let new = NewKey::from(&first).with_label("production");
//! let issued = rules::issue(&app, new, &policy, now)?;
//! let new = NewKey::from(&second);
//! let (old, mut new) = rules::rotate(&app, &issued, new, Duration::ZERO, &policy, now)?;
//! assert_eq!((old.replaced_by, old.lifetime.expires()), (Some(second.key_id()), Some(now)));
//! assert_eq!(new.label, issued.label);
//!
//! assert!(rules::revoke(&mut new, now));
//! let next = NewKey::from(&ApiKey::generate("acme")?);
//! let refused = rules::rotate(&app, &new, next, Duration::ZERO, &policy, now);
//! assert!(matches!(refused, Err(ManageError::Conflict { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use super::change::KeyEdit;
use super::{
    ClientChange, ClientFacts, Expiry, KeyChange, KeyError, KeyFacts, ManageError, NewKey, Policy,
    PolicyChange, PurgeKeys, Purged, RotationConflict,
};
use crate::client::{ClientProfile, Network, Scope, label};
use crate::key::{KeyDigest, Lifetime, TimeError, Timestamp, Validity};

/// Returns the facts of a new client, which is enabled.
///
/// # Errors
///
/// The profile breaks a rule.
pub fn add(profile: ClientProfile) -> Result<ClientFacts, ManageError> {
    profile.validate()?;
    Ok(ClientFacts::new(profile))
}

/// Returns the facts of a client after a change.
///
/// # Errors
///
/// The profile would break a rule.
pub fn update_client(
    client: &ClientFacts,
    change: ClientChange,
) -> Result<ClientFacts, ManageError> {
    let profile = change.apply(client.profile.clone());
    profile.validate()?;
    Ok(ClientFacts { profile, ..client.clone() })
}

/// Returns the policy after a change.
///
/// # Errors
///
/// A lifetime of the new policy is out of range, or its default is longer than its maximum.
pub fn update_policy(policy: &Policy, change: PolicyChange) -> Result<Policy, ManageError> {
    let policy = change.apply(*policy);
    policy.validate()?;
    Ok(policy)
}

/// Checks that a client may be removed.
///
/// # Errors
///
/// The client is enabled.
pub fn remove(client: &ClientFacts) -> Result<(), ManageError> {
    if client.enabled {
        return Err(ManageError::StillEnabled { name: client.profile.name().to_owned() });
    }
    Ok(())
}

/// Returns the facts of a new key of this client.
///
/// # Errors
///
/// The expiry has passed or is out of range, the policy does not allow it, the beginning is out of range or not before the
/// expiry, the label breaks a rule, or the client lacks a scope or network of the key.
pub fn issue(
    client: &ClientProfile,
    key: NewKey,
    policy: &Policy,
    now: SystemTime,
) -> Result<KeyFacts, ManageError> {
    check_scopes(client, &key.scopes)?;
    check_networks(client, &key.networks)?;
    new_key(client.name(), key, policy, now)
}

fn new_key(
    client: &str,
    key: NewKey,
    policy: &Policy,
    now: SystemTime,
) -> Result<KeyFacts, ManageError> {
    let NewKey { digest, label, expiry, not_before, scopes, networks } = key;
    let expires = match expiry {
        Expiry::Inherit => policy.default_expiry(now),
        Expiry::Never => None,
        Expiry::At(expires) => Some(check_expiry(expires, now)?),
    };
    policy.check_expiry(now, expires)?;
    let not_before = not_before.map(check_not_before).transpose()?;
    let lifetime =
        check_lifetime(Lifetime { not_before, ..Lifetime::default().with_expiry(expires) })?;
    check_label(label.as_deref())?;
    Ok(KeyFacts {
        digest,
        client: client.to_owned(),
        label,
        scopes,
        networks,
        created: Some(Timestamp::nearest(now).whole_second()),
        lifetime,
        revoked: None,
        replaced_by: None,
    })
}

/// Returns the facts of a key of this client after a change.
///
/// # Errors
///
/// The label breaks a rule; the change names other scopes or networks, and the client lacks one of them; or it names another
/// expiry, which has passed, is out of range or not after the beginning, or the key was revoked or has expired.
pub fn update_key(
    client: &ClientProfile,
    key: &KeyFacts,
    change: KeyChange,
    policy: &Policy,
    now: SystemTime,
) -> Result<KeyFacts, ManageError> {
    let mut new = key.clone();
    for edit in change.0 {
        match edit {
            KeyEdit::Label(label) => {
                check_label(label.as_deref())?;
                new.label = label;
            }
            KeyEdit::Expiry(expires) => {
                new.lifetime = changed_expiry(key, expires, policy, now)?;
            }
            KeyEdit::Scopes(scopes) => new.scopes = scopes,
            KeyEdit::Networks(networks) => new.networks = networks,
        }
    }
    // The client may have lost some since the key got them. They stay without effect until the key gets others.
    if new.scopes != key.scopes {
        check_scopes(client, &new.scopes)?;
    }
    if new.networks != key.networks {
        check_networks(client, &new.networks)?;
    }
    Ok(new)
}

/// Returns the lifetime of a key with another expiry, which never revives an ended key.
fn changed_expiry(
    key: &KeyFacts,
    expires: Option<SystemTime>,
    policy: &Policy,
    now: SystemTime,
) -> Result<Lifetime, ManageError> {
    let lifetime = key.lifetime.with_expiry(expires);
    if lifetime == key.lifetime {
        return Ok(lifetime);
    }
    let conflict = match () {
        () if key.revoked.is_some() => RotationConflict::Revoked,
        () if key.lifetime.validity(now) == Validity::Expired => RotationConflict::Expired,
        () => {
            let expires = expires.map(|expires| check_expiry(expires, now)).transpose()?;
            let created = key.created.map_or(now, Timestamp::system_time);
            policy.check_expiry(created, expires)?;
            return check_lifetime(key.lifetime.with_expiry(expires));
        }
    };
    Err(ManageError::Conflict { key_id: key.key_id(), conflict })
}

/// Returns the result of a purge, given the keys that it [selects](PurgeKeys::selects) and the keys that were replaced
/// by these. Other keys do not matter.
///
/// The successor of a key that has not ended is kept.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use keygate::{ApiKey, KeyDigest};
/// use keygate::manage::{KeyFacts, PurgeKeys, rules};
///
/// let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
/// let mut old = KeyFacts::new(KeyDigest::of(b"the key from before"), "App 1");
/// let mut new = KeyFacts::new(KeyDigest::of(b"its successor"), "App 1");
/// old.replaced_by = Some(new.key_id());
/// rules::revoke(&mut new, now);
/// let purge = PurgeKeys::new().revoked_before(now);
/// assert_eq!(rules::purge(vec![old.clone(), new.clone()], &purge, now).removed, []);
///
/// old.lifetime = old.lifetime.with_expiry(now);
/// let purged = rules::purge(vec![old.clone(), new.clone()], &purge, now);
/// assert_eq!((purged.removed, purged.changed.len()), (vec![new], 1));
/// assert_eq!(purged.changed[0].replaced_by, None);
/// ```
#[must_use]
pub fn purge(keys: Vec<KeyFacts>, purge: &PurgeKeys, now: SystemTime) -> Purged {
    let listed = keys.iter().map(|key| key.clone().info(true)).collect::<Vec<_>>();
    let ids = purge.removable(&listed, now).map(|key| key.key_id).collect::<HashSet<_>>();
    let is_removed = |key: &KeyFacts| ids.contains(&key.key_id());
    let (removed, mut changed) = keys.into_iter().partition::<Vec<_>, _>(is_removed);
    changed.retain(|key| key.replaced_by.is_some_and(|successor| ids.contains(&successor)));
    for key in &mut changed {
        key.replaced_by = None;
    }
    Purged { removed, changed }
}

/// Returns the error for issuing a key with the id of an existing key.
#[must_use]
pub fn duplicate(known: &KeyFacts, new: KeyDigest) -> KeyError {
    let key_id = known.key_id();
    match known.revoked {
        _ if known.digest != new => KeyError::IdConflict { key_id },
        Some(_) => KeyError::Revoked { key_id },
        None => KeyError::Duplicate { key_id },
    }
}

/// Revokes a key, and returns whether that changed it.
pub fn revoke(key: &mut KeyFacts, now: SystemTime) -> bool {
    let changes = key.revoked.is_none();
    key.revoked.get_or_insert_with(|| Timestamp::nearest(now).whole_second());
    changes
}

/// Returns the facts of a key of this client after its rotation, and the facts of its successor. The successor inherits
/// label, lifetime, scopes and networks unless it has its own.
///
/// # Errors
///
/// The key was revoked, has expired or was replaced; or [`issue`] refuses the successor.
pub fn rotate(
    client: &ClientProfile,
    old: &KeyFacts,
    mut successor: NewKey,
    grace: Duration,
    policy: &Policy,
    now: SystemTime,
) -> Result<(KeyFacts, KeyFacts), ManageError> {
    let info = old.clone().info(true);
    if let Some(conflict) = info.rotation_conflict(now) {
        return Err(ManageError::Conflict { key_id: info.key_id, conflict });
    }
    check_scopes(client, &successor.scopes)?;
    check_networks(client, &successor.networks)?;
    if successor.expiry == Expiry::Inherit {
        successor.expiry = policy.inherited_expiry(&info, now).into();
    }
    let inherited = old.lifetime.renewed(old.created, now);
    successor.not_before = successor.not_before.or(inherited.not_before());
    successor.label = successor.label.or(info.label);
    // The client may have lost one of them. The successor then lacks it, like the old key.
    if successor.scopes.is_empty() {
        successor.scopes = info.scopes;
    }
    if successor.networks.is_empty() {
        successor.networks = info.networks;
    }
    let new = new_key(client.name(), successor, policy, now)?;
    // If the grace ends out of range, the old key keeps its expiry.
    let end = now.checked_add(grace).and_then(|end| Timestamp::try_from(end).ok());
    let lifetime = old.lifetime.ended(end.map(Timestamp::whole_second));
    let old = KeyFacts { lifetime, replaced_by: Some(new.key_id()), ..old.clone() };
    Ok((old, new))
}

fn check_label(label: Option<&str>) -> Result<(), ManageError> {
    label.map_or(Ok(()), |label| label::check(label).map_err(ManageError::Label))
}

/// Checks that a key only narrows the scopes of its client.
fn check_scopes(client: &ClientProfile, key: &[Scope]) -> Result<(), ManageError> {
    match lacked_scope(client, key) {
        None => Ok(()),
        Some(scope) => Err(ManageError::LacksScope { scope: scope.clone() }),
    }
}

/// Checks that a key only narrows the networks of its client.
fn check_networks(client: &ClientProfile, key: &[Network]) -> Result<(), ManageError> {
    match lacked_network(client, key) {
        None => Ok(()),
        Some(network) => Err(ManageError::LacksNetwork { network }),
    }
}

/// Returns the first scope of a key that its client lacks.
pub(crate) fn lacked_scope<'a>(client: &ClientProfile, key: &'a [Scope]) -> Option<&'a Scope> {
    key.iter().find(|scope| !client.scopes().iter().any(|of_client| of_client.covers(scope)))
}

/// Returns the first network of a key that is not within those of its client.
pub(crate) fn lacked_network(client: &ClientProfile, key: &[Network]) -> Option<Network> {
    let client = client.networks();
    let is_within = |network: Network| {
        client.is_empty() || client.iter().any(|of_client| of_client.covers(network))
    };
    key.iter().copied().find(|network| !is_within(*network))
}

/// Checks that a key with this lifetime works at some time.
fn check_lifetime(lifetime: Lifetime) -> Result<Lifetime, ManageError> {
    if lifetime.never_works() { Err(ManageError::NeverValid) } else { Ok(lifetime) }
}

/// Checks the beginning of a new key, and returns it as stored.
fn check_not_before(not_before: SystemTime) -> Result<Timestamp, ManageError> {
    match Timestamp::rounded_up(not_before) {
        Ok(kept) => Ok(kept),
        Err(TimeError::BeforeEpoch) => Ok(Timestamp::nearest(not_before)),
        Err(error) => Err(KeyError::NotBefore(error).into()),
    }
}

/// Checks the expiry of a new key.
fn check_expiry(expires: SystemTime, now: SystemTime) -> Result<SystemTime, ManageError> {
    match Timestamp::try_from(expires).map(SystemTime::from) {
        Ok(kept) if kept > now => Ok(kept),
        Ok(_) | Err(TimeError::BeforeEpoch) => Err(ManageError::ExpiryPassed),
        Err(error) => Err(KeyError::Expiry(error).into()),
    }
}
