use std::slice;
use std::time::SystemTime;

use keygate::manage::{EventQuery, LastUsed};

use crate::args::{Globals, ShowKeyArgs};
use crate::events::{latest, latest_json, latest_text};
use crate::failure::Failure;
use crate::history::show_last_uses;
use crate::identify;
use crate::output::{Output, YELLOW};
use crate::runtime::block_on;
use crate::show::{self, SOON, ShownStatus, moment};
use crate::store::Store;
use crate::table::{Cell, Table};

pub(super) fn run(
    args: &ShowKeyArgs,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let key_id = identify::key_id(&args.id, store, globals)?;
    let mut key = block_on(store.find_key(&key_id))?;
    let client = key.client.clone();
    let watched = show_last_uses(slice::from_mut(&mut key), Some(&client), globals, out)?;

    let status = ShownStatus::of(&key, now, SOON);
    let mut facts = Table::default();
    facts.push_fact("ID", key.key_id.to_string());
    facts.push_fact("CLIENT", key.client.as_str());
    facts.push_fact("LABEL", key.label.as_deref().unwrap_or("none"));
    facts.push_fact("STATE", Cell::styled(status.to_string(), status.style()));
    if !key.scopes.is_empty() {
        facts.push_fact("SCOPES", show::joined(&key.scopes));
    }
    if !key.networks.is_empty() {
        facts.push_fact("NETWORKS", show::joined(&key.networks));
    }
    facts.push_fact("CREATED", moment(key.created, "unknown", now));
    if let Some(begins) = key.not_before() {
        facts.push_fact("NOT BEFORE", moment(Some(begins), "", now));
    }
    facts.push_fact("EXPIRES", moment(key.expires(), "never", now));
    if let Some(revoked) = key.revoked {
        facts.push_fact("REVOKED", moment(Some(revoked), "", now));
    }
    if let Some(successor) = key.replaced_by {
        facts.push_fact("REPLACED BY", successor.to_string());
    }
    if watched.is_some() {
        let last_used = match key.last_used {
            LastUsed::At(time) => {
                format!("{} ({})", show::time(time), show::last_minute(time, now))
            }
            other => other.to_string(),
        };
        facts.push_fact("LAST USED", last_used);
    }
    let policy = block_on(store.policy())?;
    if show::is_beyond(&key, &policy, now) {
        facts.push_fact(
            "POLICY",
            Cell::styled("beyond the policy: see `keygate policy show`", YELLOW),
        );
    }
    let events = latest(store, &EventQuery::new().with_key(key_id), globals, out);
    let text = facts.render() + &latest_text(events.as_deref());
    let mut json = show::listed_json(&key, &policy, now);
    json["events"] = latest_json(events.as_deref());
    out.print(&text, &json)?;
    show::watched(watched.as_ref(), out);
    Ok(())
}
