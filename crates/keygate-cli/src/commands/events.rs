use std::time::{SystemTime, UNIX_EPOCH};

use keygate::KeyId;
use keygate::manage::{EventQuery, ManageError};
use serde_json::Value;

use crate::args::{EventsArgs, Globals};
use crate::events::{csv, json, page, table};
use crate::failure::Failure;
use crate::identify::{self, client_failure};
use crate::output::Output;
use crate::runtime::block_on;
use crate::show;
use crate::store::{Store, open};

pub(super) fn run(args: &EventsArgs, globals: &Globals, out: &Output) -> Result<(), Failure> {
    let store = open(globals, out)?;
    let store = &*store;
    let find_id = |id: &String| identify::past_key_id(id, store, globals);
    let key_id = args.key.as_ref().map(find_id).transpose()?;
    let query = query(args, key_id, globals);
    let (events, next) = page(store, &query, args.limit as usize)?;
    if events.found.is_empty() && events.unreadable.is_empty() {
        is_known(args, key_id, store)?;
    }
    if args.csv {
        out.print(&csv(&events.found), &Value::Null)?;
    } else if events.found.is_empty() && !out.is_json() {
        out.note("no recorded changes match");
    } else {
        out.print(&table(&events.found).render(), &events.found.iter().map(json).collect())?;
    }
    if let Some(next) = next {
        out.note(&format!(
            "there are older changes: raise --limit, or list the next ones with --after {next}"
        ));
    }
    show::unreadable_events(&events.unreadable, out)
}

fn query(args: &EventsArgs, key_id: Option<KeyId>, globals: &Globals) -> EventQuery {
    let EventsArgs { client, key: _, action, since, limit: _, after, csv: _ } = args;
    let mut query = client.iter().fold(EventQuery::new(), EventQuery::with_client);
    query = key_id.into_iter().fold(query, EventQuery::with_key);
    query = globals.actor.iter().fold(query, EventQuery::with_actor);
    query = action.iter().fold(query, |query, action| query.with_action(*action));
    let since = since.map(|time| SystemTime::now().checked_sub(time).unwrap_or(UNIX_EPOCH));
    let query = since.into_iter().fold(query, EventQuery::since);
    after.iter().fold(query, EventQuery::after)
}

/// Refuses a client name or key ID that has neither events nor a row.
fn is_known(args: &EventsArgs, key_id: Option<KeyId>, store: &dyn Store) -> Result<(), Failure> {
    let is_recorded = |query: EventQuery| -> Result<bool, Failure> {
        Ok(!block_on(store.events(&query.with_limit(1)))?.found.is_empty())
    };
    if let Some(name) = &args.client
        && let Err(error @ ManageError::UnknownClient { .. }) = block_on(store.find_client(name))
        && !is_recorded(EventQuery::new().with_client(name))?
    {
        return Err(client_failure(error, name, store));
    }
    if let Some(key_id) = key_id
        && let Err(error @ ManageError::UnknownKey { .. }) = block_on(store.find_key(&key_id))
        && !is_recorded(EventQuery::new().with_key(key_id))?
    {
        return Err(error.into());
    }
    Ok(())
}
