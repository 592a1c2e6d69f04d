use std::time::SystemTime;

use keygate::manage::{EventQuery, PartialList};
use serde_json::{Value, json};

use crate::args::Globals;
use crate::commands::key::{View, table};
use crate::events::{latest, latest_json, latest_text};
use crate::failure::Failure;
use crate::history::show_last_uses;
use crate::identify::client_failure;
use crate::output::{GREEN, Output, RED};
use crate::runtime::block_on;
use crate::show::{self, SOON};
use crate::store::Store;
use crate::table::{Cell, Table};

pub(super) fn run(
    name: &str,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let client =
        block_on(store.find_client(name)).map_err(|error| client_failure(error, name, store))?;
    let listed = block_on(store.list_readable_keys(Some(name)))?;
    let PartialList { found: mut keys, unreadable, .. } = listed;
    let watched = show_last_uses(&mut keys, Some(name), globals, out)?;

    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let metadata = client.profile.metadata().iter().map(|(name, value)| format!("{name}={value}"));
    let (state, style) = if client.enabled { ("enabled", GREEN) } else { ("disabled", RED) };
    let quota = client.profile.quota().map(ToString::to_string);
    let mut facts = Table::default();
    facts.push_fact("CLIENT", client.profile.name());
    if let Some(title) = client.profile.title() {
        facts.push_fact("TITLE", title);
    }
    facts.push_fact("STATE", Cell::styled(state, style));
    facts.push_fact("SCOPES", or_none(show::scopes(&client).join(" ")));
    if !client.profile.networks().is_empty() {
        facts.push_fact("NETWORKS", show::joined(client.profile.networks()));
    }
    facts.push_fact("QUOTA", quota.unwrap_or_else(|| "none".to_owned()));
    facts.push_fact("METADATA", or_none(metadata.collect::<Vec<_>>().join(" ")));
    facts.push_fact("KEYS", client.keys.to_string());
    let policy = block_on(store.policy())?;
    let mut text = facts.render();
    if !keys.is_empty() {
        text = text
            + "\n"
            + &table(&keys, &View { soon: SOON, is_watched: watched.is_some(), policy, now });
    }
    let events = latest(store, &EventQuery::new().with_client(name), globals, out);
    text += &latest_text(events.as_deref());
    let mut json = json!(client);
    json["events"] = latest_json(events.as_deref());
    json["key_list"] =
        keys.iter().map(|key| show::listed_json(key, &policy, now)).collect::<Value>();
    out.print(&text, &json)?;
    show::watched(watched.as_ref(), out);
    show::unreadable(&unreadable, out)
}
