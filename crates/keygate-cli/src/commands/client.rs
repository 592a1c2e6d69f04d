use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use keygate::ClientProfile;
use keygate::manage::{ClientInfo, ClientQuery, ManageError, PartialList};
use serde_json::json;

use crate::args::{AddArgs, ClientCommand, Globals, ListClientsArgs};
use crate::confirm::Confirmation;
use crate::failure::Failure;
use crate::identify::client_failure;
use crate::output::{Output, RED};
use crate::pages;
use crate::quota::quota;
use crate::runtime::block_on;
use crate::show::{self, counted};
use crate::store::{Store, open, open_to_change, reopen};
use crate::table::{Cell, Table};

mod ineffective;
mod set_client;
mod show_client;

pub(super) fn run(
    command: ClientCommand,
    globals: &Globals,
    out: &Output,
) -> Result<ExitCode, Failure> {
    let confirmation = match command {
        ClientCommand::Remove(_) => Confirmation::new(globals)?,
        ClientCommand::Add(_)
        | ClientCommand::Set(_)
        | ClientCommand::Enable(_)
        | ClientCommand::Disable(_)
        | ClientCommand::List(_)
        | ClientCommand::Show(_) => Confirmation::Given,
    };
    let store = match command {
        ClientCommand::List(_) | ClientCommand::Show(_) => open(globals, out)?,
        ClientCommand::Add(_)
        | ClientCommand::Set(_)
        | ClientCommand::Enable(_)
        | ClientCommand::Disable(_)
        | ClientCommand::Remove(_) => open_to_change(globals, out)?,
    };
    let store = &*store;
    match command {
        ClientCommand::Add(args) => {
            let profile = profile(args)?;
            out.warn_if_key("the name of the client", profile.name());
            out.warn_if_key("the title", profile.title().unwrap_or_default());
            warn_of_keys(profile.metadata(), out);
            let client = block_on(store.add_client(profile))?;
            changed(&client, "added", ": issue a key for it with `keygate key issue`", out)?;
        }
        ClientCommand::Set(args) => set_client::run(args, store, out)?,
        ClientCommand::Enable(args) => {
            let client = block_on(store.enable_client(&args.name))
                .map_err(|error| client_failure(error, &args.name, store))?;
            changed(&client, "enabled", "", out)?;
        }
        ClientCommand::Disable(args) => {
            let client = block_on(store.disable_client(&args.name))
                .map_err(|error| client_failure(error, &args.name, store))?;
            changed(&client, "disabled", ": its keys are refused until it is enabled", out)?;
        }
        ClientCommand::Remove(args) => remove(&args.name, confirmation, store, globals, out)?,
        ClientCommand::List(args) => return list(&args, store, out),
        ClientCommand::Show(args) => show_client::run(&args.name, store, globals, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn profile(args: AddArgs) -> Result<ClientProfile, Failure> {
    let metadata = unique(args.metadata)?;
    let profile = ClientProfile::new(args.name).with_scopes(args.scopes).with_metadata(metadata);
    let profile = profile.with_networks(args.networks);
    let profile = args.title.into_iter().fold(profile, ClientProfile::with_title);
    Ok(match quota(&args.quota)? {
        Some(quota) => profile.with_quota(quota),
        None => profile,
    })
}

/// Returns the metadata from the command line. Refuses repeated names.
fn unique(metadata: Vec<(String, String)>) -> Result<BTreeMap<String, String>, Failure> {
    let count = metadata.len();
    let metadata: BTreeMap<_, _> = metadata.into_iter().collect();
    if metadata.len() < count {
        return Err(Failure::usage("the same metadata name is given twice: give it once"));
    }
    Ok(metadata)
}

fn warn_of_keys(metadata: &BTreeMap<String, String>, out: &Output) {
    for (name, value) in metadata {
        out.warn_if_key("a name in the metadata", name);
        out.warn_if_key("a value in the metadata", value);
    }
}

fn remove(
    name: &str,
    confirmation: Confirmation,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    match block_on(store.find_client(name)) {
        Ok(client) if client.enabled => {
            return Err(ManageError::StillEnabled { name: name.to_owned() }.into());
        }
        // The row cannot be read, but the client can still be removed if it is disabled.
        Ok(_) | Err(ManageError::Unavailable(_)) => {}
        Err(error) => return Err(client_failure(error, name, store)),
    }
    let shown = keys(name, store)?;
    let question = format!("Remove the client {name} and its {}?", counted(shown.len(), "key"));
    confirmation.ask(&question)?;
    if confirmation.is_needed() {
        let current = keys(name, &*reopen(globals)?)?;
        if current != shown {
            return Err(Failure::refused(format!(
                "after the question, the keys of the client changed, and it has {} now: nothing was \
                 removed; repeat the command to remove it with these",
                counted(current.len(), "key")
            )));
        }
    }
    let client = block_on(store.remove_client(name))?;
    let keys = match client.keys {
        0 => String::new(),
        keys => format!(", with {} that had not been revoked", counted(keys, "key")),
    };
    changed(&client, "removed", &keys, out)
}

/// Returns the ID of each key of a client. A key that cannot be read has an error message in place of its ID.
fn keys(name: &str, store: &dyn Store) -> Result<BTreeSet<String>, Failure> {
    let listed = block_on(store.list_readable_keys(Some(name)))
        .map_err(|error| client_failure(error, name, store))?;
    let ids = listed.found.iter().map(|key| key.key_id.to_string());
    Ok(ids.chain(listed.unreadable).collect())
}

fn changed(client: &ClientInfo, how: &str, more: &str, out: &Output) -> Result<(), Failure> {
    let note = format!("{how} {}{more}", client.profile.name());
    out.report_change(&note, &json!(client))
}

fn query(args: &ListClientsArgs) -> ClientQuery {
    let ListClientsArgs {
        disabled,
        enabled,
        search,
        scope,
        metadata,
        limit: _,
        after,
        exit_code: _,
    } = args;
    let mut query = ClientQuery::new();
    if *disabled || *enabled {
        query = query.with_enabled(*enabled);
    }
    query = search.iter().fold(query, |query, text| query.with_search(text));
    query = scope.iter().cloned().fold(query, ClientQuery::with_scope);
    query = metadata.iter().fold(query, |query, (name, value)| query.add_metadata(name, value));
    after.iter().fold(query, ClientQuery::after)
}

fn list(args: &ListClientsArgs, store: &dyn Store, out: &Output) -> Result<ExitCode, Failure> {
    let query = query(args);
    let is_whole = query == ClientQuery::new();
    let (listed, next) = if is_whole && args.limit.is_none() {
        (block_on(store.list_readable_clients())?, None)
    } else {
        let limit = args.limit.map_or(usize::MAX, |limit| limit as usize);
        pages::first_clients(store, &query, limit)?
    };
    let PartialList { found: clients, unreadable, .. } = listed;
    if clients.is_empty() && unreadable.is_empty() && !out.is_json() {
        out.note(if is_whole {
            "there are no clients: add one with `keygate client add`"
        } else {
            "no clients match"
        });
        return Ok(ExitCode::SUCCESS);
    }
    let mut table =
        Table::new(["CLIENT", "TITLE", "ENABLED", "KEYS", "SCOPES", "QUOTA", "NETWORKS"]);
    for client in &clients {
        table.push([
            client.profile.name().into(),
            client.profile.title().unwrap_or_default().into(),
            if client.enabled { "yes".into() } else { Cell::styled("no", RED) },
            client.keys.to_string().into(),
            show::scopes(client).join(" ").into(),
            client.profile.quota().map(ToString::to_string).unwrap_or_default().into(),
            show::joined(client.profile.networks()).into(),
        ]);
    }
    out.print(
        &table.without_empty([1, 6]).render(),
        &clients.iter().map(|client| json!(client)).collect(),
    )?;
    if let Some(next) = next {
        out.note(&format!(
            "there are more clients: raise --limit, or list the next ones with --after {next}"
        ));
    }
    show::unreadable(&unreadable, out)?;
    Ok(ExitCode::from(u8::from(args.exit_code && !clients.is_empty())))
}
