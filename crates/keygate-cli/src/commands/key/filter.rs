//! The filters of `key list`.

use std::time::SystemTime;

use keygate::manage::{KeyInfo, KeyQuery, KeySort, KeyStatus, ManageError, PartialList};

use crate::args::{Globals, ListKeysArgs};
use crate::failure::Failure;
use crate::history::{Watched, remedy};
use crate::runtime::block_on;
use crate::store::Store;
use crate::{pages, show};

/// Lists the keys that match all filters except those by last use, and returns the cursor of the next ones if there are
/// more than `limit`.
pub(super) fn listed(
    args: &ListKeysArgs,
    limit: Option<usize>,
    store: &dyn Store,
    now: SystemTime,
) -> Result<(PartialList<KeyInfo>, Option<String>), ManageError> {
    let client = args.client.as_deref();
    if limit.is_none() && is_whole(args, now) {
        return Ok((block_on(store.list_readable_keys(client))?, None));
    }
    let query = client.into_iter().fold(query(args, now), KeyQuery::with_client);
    pages::first_keys(store, &query, limit.unwrap_or(usize::MAX))
}

/// Returns whether no filter except the client's name is given.
pub(super) fn is_whole(args: &ListKeysArgs, now: SystemTime) -> bool {
    query(args, now) == KeyQuery::new().at(now)
}

fn query(args: &ListKeysArgs, now: SystemTime) -> KeyQuery {
    let ListKeysArgs { expiring, states, search, label, scope, metadata, .. } = args;
    let mut query = KeyQuery::new().at(now);
    query = states.iter().copied().fold(query, KeyQuery::add_status);
    if let Some(within) = *expiring {
        query = query.expiring_within(within).sorted_by(KeySort::Expires);
        if states.is_empty() {
            query = query.add_status(KeyStatus::Active).add_status(KeyStatus::Replaced);
        }
    }
    if args.no_expiry {
        query = query.without_expiry();
    }
    query = search.iter().fold(query, |query, text| query.with_search(text));
    query = label.iter().fold(query, KeyQuery::with_label);
    query = scope.iter().cloned().fold(query, KeyQuery::with_scope);
    query = metadata.iter().fold(query, |query, (name, value)| query.add_metadata(name, value));
    query = args.sort.into_iter().fold(query, |query, sort| query.sorted_by(sort.into()));
    query = args.after.iter().fold(query, KeyQuery::after);
    if args.descending { query.descending() } else { query }
}

/// Applies the filters by last use.
pub(super) fn retain_by_use(
    keys: &mut Vec<KeyInfo>,
    args: &ListKeysArgs,
    watched: Option<&Watched>,
    globals: &Globals,
    now: SystemTime,
) -> Result<(), Failure> {
    let Some(time) = args.unused_for.or(args.used_within) else { return Ok(()) };
    let Some(watched) = watched else {
        return Err(Failure::usage(format!(
            "the last use of keys is unknown: {}",
            remedy(globals)
        )));
    };
    let start = now.checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH);
    let was_used = |key: &KeyInfo| key.last_used.may_be_since(start);
    if args.used_within.is_some() {
        keys.retain(was_used);
        return Ok(());
    }
    let recorded = show::since_when("last use", watched);
    match watched {
        // A key may have been used before usage recording began.
        Watched::Current { since, .. } if *since > start => {
            let less = "which is less than --unused-for: give a shorter time";
            return Err(Failure::refused(format!("{recorded}, {less}")));
        }
        Watched::Current { until, .. } if *until < start => {
            let until = show::time(*until);
            let longer = "so later uses are not known: give a longer time with --unused-for";
            return Err(Failure::refused(format!("{recorded} and until {until}, {longer}")));
        }
        Watched::Current { .. } => {}
        Watched::Never | Watched::Ended { .. } => {
            let why = format!("it is not known which keys are unused: {recorded}");
            return Err(Failure::refused(why));
        }
    }
    keys.retain(|key| !was_used(key) && key.usable_since().is_none_or(|since| since < start));
    Ok(())
}
