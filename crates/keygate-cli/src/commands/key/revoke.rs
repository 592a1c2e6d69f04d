use std::collections::BTreeSet;
use std::time::SystemTime;

use keygate::manage::{KeyInfo, ManageError};

use crate::args::{Globals, RevokeArgs};
use crate::confirm::Confirmation;
use crate::failure::Failure;
use crate::identify;
use crate::output::Output;
use crate::runtime::block_on;
use crate::show;
use crate::store::Store;

pub(super) fn run(
    args: &RevokeArgs,
    confirmation: Confirmation,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    let ids = args.ids.iter().map(|id| identify::key_id(id, store, globals));
    let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
    let mut once = BTreeSet::new();
    ids.retain(|id| once.insert(*id));
    let named = ids.iter().map(|id| match block_on(store.find_key(id)) {
        Ok(key) => Ok(show::named(&key)),
        // The row cannot be read, but the key can still be revoked.
        Err(ManageError::Unavailable(_)) => Ok(id.to_string()),
        Err(error) => Err(error),
    });
    let named = named.collect::<Result<Vec<_>, _>>()?;
    confirmation.ask(&format!("Permanently revoke {}?", named.join(", ")))?;

    let mut revoked = Vec::new();
    for id in &ids {
        let key = block_on(store.revoke(id))
            .map_err(|error| Failure::from(error).and(&so_far(&revoked, ids.len())))?;
        revoked.push(key);
    }
    let named: Vec<_> = revoked.iter().map(show::named).collect();
    let now = SystemTime::now();
    let json = revoked.iter().map(|key| show::key_json(key, now)).collect();
    out.report_change(&format!("revoked {}", named.join(", ")), &json)
}

/// Describes which keys were revoked before the failure.
fn so_far(revoked: &[KeyInfo], total: usize) -> String {
    let named: Vec<_> = revoked.iter().map(show::named).collect();
    match named.len() {
        0 if total == 1 => String::new(),
        0 => "; none of them was revoked".to_owned(),
        _ => format!("; only these were revoked: {}", named.join(", ")),
    }
}
