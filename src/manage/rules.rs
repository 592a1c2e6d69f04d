//! The rules of issuing and rotating a key, the same for every store.

use std::time::{Duration, SystemTime};

use super::{Expiry, KeyInfo, KeyMetadata, ManageError, NewKey};
use crate::client::label;
use crate::key::{TimeError, Timestamp, whole_seconds};
use crate::manage::KeyError;

/// Checks a new key, and returns its expiry and metadata.
pub(crate) fn issue(
    key: NewKey,
    now: SystemTime,
) -> Result<(Option<SystemTime>, KeyMetadata), ManageError> {
    let expires = key.expiry().or_inherited(None);
    let expires = expires.map(|expires| check_expiry(expires, now)).transpose()?;
    if let Some(label) = key.label() {
        label::check(label).map_err(ManageError::Label)?;
    }
    let created = Some(whole_seconds(now));
    Ok((expires, KeyMetadata { created, label: key.into_label(), ..KeyMetadata::default() }))
}

/// Returns the new key with all inherited fields, and the new expiry of the old key.
pub(crate) fn rotate(
    old: &KeyInfo,
    mut new: NewKey,
    grace: Duration,
    now: SystemTime,
) -> Result<(NewKey, Option<SystemTime>), ManageError> {
    if let Some(conflict) = old.rotation_conflict(now) {
        return Err(ManageError::Conflict { key_id: old.key_id, conflict });
    }
    if let (None, Some(label)) = (new.label(), &old.label) {
        new = new.with_label(label);
    }
    if new.expiry() == Expiry::Inherit {
        new = new.with_expiry(old.inherited_expiry(now));
    }
    // If the grace ends out of range, the old key keeps its expiry.
    let end = now.checked_add(grace).map(whole_seconds);
    let end = end.filter(|end| Timestamp::try_from(*end).is_ok());
    Ok((new, [old.expires, end].into_iter().flatten().min()))
}

/// Checks the expiry of a new key, and returns it with the precision of all stores.
fn check_expiry(expires: SystemTime, now: SystemTime) -> Result<SystemTime, ManageError> {
    match Timestamp::try_from(expires).map(SystemTime::from) {
        Ok(kept) if kept > now => Ok(kept),
        Ok(_) | Err(TimeError::BeforeEpoch) => Err(ManageError::ExpiryPassed),
        Err(error) => Err(KeyError::Expiry(error).into()),
    }
}
