use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use keygate::manage::{KeyInfo, PurgeKeys};

use crate::args::PurgeArgs;
use crate::confirm::Confirmation;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::block_on;
use crate::show;
use crate::store::Store;

/// The maximum number of keys that a sentence names.
const NAMED: usize = 10;

/// Checks that the options select keys.
pub(super) fn check(args: &PurgeArgs) -> Result<(), Failure> {
    if args.revoked_before.is_none() && args.expired_before.is_none() {
        return Err(Failure::usage(
            "nothing to purge: give --revoked-before, --expired-before or both",
        ));
    }
    Ok(())
}

pub(super) fn run(
    args: &PurgeArgs,
    confirmation: Confirmation,
    store: &dyn Store,
    out: &Output,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    // A duration longer than the age of all keys selects none.
    let ago = |time| now.checked_sub(time).unwrap_or(UNIX_EPOCH);
    let purge = args.revoked_before.map(ago).into_iter();
    let purge = purge.fold(PurgeKeys::new(), PurgeKeys::revoked_before);
    let purge = args.expired_before.map(ago).into_iter().fold(purge, PurgeKeys::expired_before);

    let mut keys = block_on(store.purge_keys(&purge.dry_run()))?;
    if keys.is_empty() {
        let note = "no keys were revoked or expired that long ago: nothing was purged";
        return out.report_unchanged(note, &serde_json::json!([]));
    }
    confirmation.ask(&format!("Permanently remove {}?", named(&keys)))?;
    let shown = keys.iter().map(|key| key.key_id).collect::<HashSet<_>>();
    keys = block_on(store.purge_keys(&purge))?;
    if keys.is_empty() {
        let note = "nothing was left to purge: meanwhile, the keys were purged or changed";
        return out.report_unchanged(note, &serde_json::json!([]));
    }
    // The times are fixed, but somebody may have changed those of a key in the file or database.
    let mut others = keys.clone();
    others.retain(|key| !shown.contains(&key.key_id));
    if confirmation.is_needed() && !others.is_empty() {
        out.warn(&format!("after the question, the purge also selected {}", named(&others)));
    }
    let json = keys.iter().map(|key| show::key_json(key, now)).collect();
    out.report_change(&format!("purged {}", named(&keys)), &json)
}

fn named(keys: &[KeyInfo]) -> String {
    let names = keys.iter().take(NAMED).map(show::named).collect::<Vec<_>>().join(", ");
    let more = match keys.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}: {names}{more}", show::counted(keys.len(), "key"))
}
