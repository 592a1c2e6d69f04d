use std::time::SystemTime;

use keygate::key::KeyState;
use keygate::manage::{KeyInfo, ManageError, RotationConflict};

use super::filing::Draft;
use super::issue::{ending, warn_of_disabled};
use crate::args::{Globals, RotateArgs};
use crate::expiry::{after, whole_seconds};
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;
use crate::wait::block_on;
use crate::{relative, show};

pub(super) fn run(
    args: &RotateArgs,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let RotateArgs { id, grace, made, .. } = args;
    after(now, *grace)?;
    let old = block_on(store.find_key(id))?;
    if let Some(conflict) = conflict(&old, now) {
        return Err(ManageError::Conflict { key_id: *id, conflict }.into());
    }
    let expires = expiry(args, &old, now, out)?;
    let label = made.label.as_deref().or(old.label.as_deref());

    let mut draft = Draft::new(&old.client, label, expires, now, made, out)?;
    draft.facts.insert("replaces".to_owned(), id.to_string().into());
    let (delivery, rotated) = draft
        .file(made, globals, out, store, |store, new| block_on(store.rotate(id, new, *grace)))?;

    let new = show::named(&rotated.new);
    let old = ends(&rotated.old, now);
    let note = format!("issued {new}, {}, in place of {id}, {old}", ending(&rotated.new, now));
    delivery.complete(&note, out)?;
    warn_of_disabled(&rotated.new, out);
    Ok(())
}

/// What the store will say, told before a key is shown that nobody can use.
fn conflict(key: &KeyInfo, now: SystemTime) -> Option<RotationConflict> {
    if key.state == KeyState::Revoked {
        return Some(RotationConflict::Revoked);
    }
    if key.has_expired(now) {
        return Some(RotationConflict::Expired);
    }
    key.replaced_by.map(|successor| RotationConflict::Replaced { successor })
}

/// Returns the expiry that was given, or else the one that the new key inherits.
fn expiry(
    args: &RotateArgs,
    old: &KeyInfo,
    now: SystemTime,
    out: &Output,
) -> Result<Option<SystemTime>, Failure> {
    if let Some(expires) = args.made.expires {
        return expires.instant(now).map(Some);
    }
    let inherited = old.inherited_expiry(now).filter(|_| !args.no_expiry);
    if let Some(expires) = inherited {
        let lifetime = old.created.zip(old.expires);
        let lifetime = lifetime.and_then(|(created, end)| end.duration_since(created).ok());
        out.note(&match lifetime.filter(|lifetime| !lifetime.is_zero()) {
            None => "the new key expires with the old one, whose lifetime is not known".to_owned(),
            Some(lifetime) if whole_seconds(now).checked_add(lifetime) != Some(expires) => {
                "the new key expires with the old one, because its lifetime from now on would end \
                 after the year 9999"
                    .to_owned()
            }
            Some(lifetime) => {
                let length = relative::length(lifetime);
                format!("the new key gets the lifetime of the old one, {length}")
            }
        });
    }
    Ok(inherited)
}

fn ends(old: &KeyInfo, now: SystemTime) -> String {
    match old.expires {
        Some(expires) if expires <= now => "which has ended".to_owned(),
        Some(expires) => format!("which works until {}", show::time(expires)),
        None => "which goes on working".to_owned(),
    }
}
