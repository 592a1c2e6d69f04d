use std::time::SystemTime;

use keygate::KeyId;
use keygate::manage::{KeyChange, KeyInfo, ManageError};

use super::draft::warn_of_disabled;
use crate::args::{Globals, SetKeyArgs};
use crate::differences::Differences;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::block_on;
use crate::store::Store;
use crate::{identify, show};

pub(super) fn run(
    args: &SetKeyArgs,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let change = change(args, now, out)?;
    if change.is_empty() {
        return Err(Failure::usage(
            "nothing to change: give an option such as --label or --expires (see `keygate key set --help`)",
        ));
    }
    let key_id = identify::key_id(&args.id, store, globals)?;
    let (before, after) = updated(key_id, &change, store)?;
    differences(&before, &after).report(&show::named(&after), &show::key_json(&after, now), out)?;
    warn_of_disabled(&after, out);
    Ok(())
}

/// Each further attempt means that another operator has changed the key in the meantime.
const ATTEMPTS: usize = 100;

/// Returns the key before and after the change. If others change it meanwhile, `before` includes their changes.
fn updated(
    key_id: KeyId,
    change: &KeyChange,
    store: &dyn Store,
) -> Result<(KeyInfo, KeyInfo), ManageError> {
    let mut before = block_on(store.find_key(&key_id))?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let store = store.if_version(before.version());
        match block_on(store.update_key(&key_id, change.clone())) {
            Err(ManageError::KeyChanged { current }) if attempts < ATTEMPTS => before = *current,
            updated => return Ok((before, updated?)),
        }
    }
}

fn change(args: &SetKeyArgs, now: SystemTime, out: &Output) -> Result<KeyChange, Failure> {
    let mut change = KeyChange::new();
    if let Some(label) = &args.label {
        out.warn_if_key("the label", label);
        change = change.with_label(label);
    }
    if args.no_label {
        change = change.without_label();
    }
    if let Some(expires) = args.expires {
        change = change.with_expiry(expires.instant(now)?);
    }
    if args.no_expiry {
        change = change.with_expiry(None);
    }
    if args.no_scope || !args.scopes.is_empty() {
        change = change.with_scopes(args.scopes.iter().cloned());
    }
    if args.no_network || !args.networks.is_empty() {
        change = change.with_networks(args.networks.iter().copied());
    }
    Ok(change)
}

fn differences(before: &KeyInfo, after: &KeyInfo) -> Differences {
    let keys = [before, after];
    let mut differences = Differences::default();
    differences.add("label", keys.map(|key| key.label.clone()));
    differences.add("expiry", keys.map(|key| key.expires().map(show::time)));
    differences.add_list("scopes", keys.map(|key| show::joined(&key.scopes)));
    differences.add_list("networks", keys.map(|key| show::joined(&key.networks)));
    differences
}
