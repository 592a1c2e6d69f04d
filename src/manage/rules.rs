//! The meaning of issuing and rotating a key, the same for every store.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Expiry, KeyInfo, KeyMetadata, ManageError, NewKey};
use crate::client::label;
use crate::key::{TimeError, Timestamp};
use crate::manage::KeyError;

/// Checks a new key, and returns its expiry and what is noted of it.
pub(crate) fn issue(
    key: NewKey,
    now: SystemTime,
) -> Result<(Option<SystemTime>, KeyMetadata), ManageError> {
    let expires = key.expiry().or_inherited(None);
    let expires = expires.map(|expires| kept_expiry(expires, now)).transpose()?;
    if let Some(label) = key.label() {
        label::check(label).map_err(ManageError::Label)?;
    }
    let created = Some(whole_seconds(now));
    Ok((expires, KeyMetadata { created, label: key.into_label(), ..KeyMetadata::default() }))
}

/// Returns the new key, with all that it takes over from the old one, and the old key's end.
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
    // A grace that reaches beyond the times that are kept leaves the old key its own end.
    let end = now.checked_add(grace).map(whole_seconds);
    let end = end.filter(|end| Timestamp::try_from(*end).is_ok());
    Ok((new, [old.expires, end].into_iter().flatten().min()))
}

/// Returns the expiry of a new key as every store keeps it.
fn kept_expiry(expires: SystemTime, now: SystemTime) -> Result<SystemTime, ManageError> {
    match Timestamp::try_from(expires).map(SystemTime::from) {
        Ok(kept) if kept > now => Ok(kept),
        Ok(_) | Err(TimeError::BeforeEpoch) => Err(ManageError::ExpiryPassed),
        Err(error) => Err(KeyError::Expiry(error).into()),
    }
}

/// Cuts a time to the second, the precision of every time but an expiry.
pub(crate) fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}
