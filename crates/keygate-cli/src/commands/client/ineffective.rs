//! Keys that a change of their client has left without any of their networks or scopes.

use std::time::SystemTime;

use keygate::key::KeyState;
use keygate::manage::{ClientInfo, KeyInfo};

use crate::output::Output;
use crate::runtime::block_on;
use crate::show::counted;
use crate::store::Store;

/// The number of ids in a warning.
const SHOWN: usize = 5;

/// Warns about keys that work, or will work, but from nowhere or without scopes. The change was made, so a failure to read
/// the keys is a warning, too.
pub(super) fn warn(before: &ClientInfo, after: &ClientInfo, store: &dyn Store, out: &Output) {
    let [old, new] = [&before.profile, &after.profile];
    let networks_changed = old.networks() != new.networks();
    let scopes_changed = old.scopes() != new.scopes();
    if !networks_changed && !scopes_changed {
        return;
    }
    let mut keys = match block_on(store.list_readable_keys(Some(new.name()))) {
        Ok(keys) => keys.found,
        Err(error) => {
            out.warn(&format!("it is not known which keys this change affects: {error}"));
            return;
        }
    };
    let now = SystemTime::now();
    keys.retain(|key| key.state != KeyState::Revoked && !key.has_expired(now));
    let may = if out.is_dry_run() { "could then" } else { "may now" };
    if networks_changed {
        let is_nowhere =
            |key: &KeyInfo| key.allowed_networks(new).is_some_and(|networks| networks.is_empty());
        warn_of(&keys, is_nowhere, &format!("{may} be used from nowhere"), out);
    }
    if scopes_changed {
        let has_none = |key: &KeyInfo| !key.scopes.is_empty() && key.allowed_scopes(new).is_empty();
        warn_of(&keys, has_none, &format!("{may} use no scopes"), out);
    }
}

fn warn_of(keys: &[KeyInfo], is_affected: impl Fn(&KeyInfo) -> bool, how: &str, out: &Output) {
    let affected: Vec<_> = keys.iter().filter(|key| is_affected(key)).collect();
    if affected.is_empty() {
        return;
    }
    let ids: Vec<_> = affected.iter().take(SHOWN).map(|key| key.key_id.to_string()).collect();
    let more = match affected.len() - ids.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (count, ids) = (counted(affected.len(), "key"), ids.join(", "));
    out.warn(&format!("{count} {how}: {ids}{more}"));
}
