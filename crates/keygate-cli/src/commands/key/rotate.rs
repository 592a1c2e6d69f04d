use std::time::SystemTime;

use keygate::manage::{Expiry, KeyInfo, ManageError, Policy};

use super::draft::{Draft, warn_of_disabled};
use crate::args::{Globals, RotateArgs};
use crate::expiry::after;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::block_on;
use crate::store::Store;
use crate::{identify, relative, show};

pub(super) fn run(
    args: &RotateArgs,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let RotateArgs { id, grace, new_key, .. } = args;
    after(now, *grace)?;
    let id = identify::key_id(id, store, globals)?;
    let old = block_on(store.find_key(&id))?;
    if let Some(conflict) = old.rotation_conflict(now) {
        return Err(ManageError::Conflict { key_id: id, conflict }.into());
    }
    let policy = block_on(store.policy())?;
    let expiry = expiry(args, &old, &policy, now, out)?;
    let label = new_key.label.as_deref().or(old.label.as_deref());

    let client = block_on(store.find_client(&old.client))?.profile;
    let mut draft = Draft::new(&client, label, expiry, &policy, now, new_key, out)?;
    draft.inherit(&old, now);
    draft.facts.insert("replaces".to_owned(), id.to_string().into());
    let (delivery, rotated) = draft.store(new_key, globals, out, store, |store, new| {
        block_on(store.rotate(&id, new, *grace))
    })?;

    let new = show::named_new(&rotated.new, out);
    let old = old_key(&rotated.old, now);
    let note =
        format!("issued {new}, {}, to replace {id}, {old}", show::lifetime(&rotated.new, now));
    delivery.complete(&note, out)?;
    warn_of_disabled(&rotated.new, out);
    Ok(())
}

/// Returns the expiry of the new key: from the command line, or else inherited. Prints a note if it is inherited.
fn expiry(
    args: &RotateArgs,
    old: &KeyInfo,
    policy: &Policy,
    now: SystemTime,
    out: &Output,
) -> Result<Expiry, Failure> {
    if let Some(expires) = args.new_key.expires {
        return expires.instant(now).map(Expiry::At);
    }
    if args.no_expiry {
        return Ok(Expiry::Never);
    }
    let of_old = old.inherited_lifetime(now).expires();
    let inherited = policy.inherited_expiry(old, now);
    if inherited != of_old {
        out.note("the store's policy decides when the new key expires");
    } else if let Some(expires) = inherited {
        let lifetime = old.created.zip(old.expires());
        let lifetime = lifetime.and_then(|(created, end)| end.duration_since(created).ok());
        out.note(&match lifetime.filter(|lifetime| !lifetime.is_zero()) {
            None => "the new key expires together with the old one, whose lifetime is unknown".to_owned(),
            Some(lifetime) if after(now, lifetime).ok() != Some(expires) => {
                "the new key expires together with the old one, because the same lifetime from now would end \
                 after the year 9999"
                    .to_owned()
            }
            Some(lifetime) => {
                let length = relative::length(lifetime);
                format!("the new key has the lifetime of the old one, {length}")
            }
        });
    }
    // Without a lifetime of the old key, the new one has that of any key that is issued without an expiry.
    Ok(if of_old.is_none() { Expiry::Inherit } else { inherited.into() })
}

/// Describes how long the old key works.
fn old_key(old: &KeyInfo, now: SystemTime) -> String {
    match old.expires() {
        Some(expires) if expires <= now => "which no longer works".to_owned(),
        Some(expires) => format!("which works until {}", show::time(expires)),
        None => "which keeps working".to_owned(),
    }
}
