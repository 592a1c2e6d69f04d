use keygate::Scope;
use keygate::manage::{ClientChange, ClientInfo, ManageError};
use serde_json::json;

use super::{ineffective, unique, warn_of_keys};
use crate::args::SetClientArgs;
use crate::differences::Differences;
use crate::failure::Failure;
use crate::identify::client_failure;
use crate::output::Output;
use crate::quota::quota;
use crate::runtime::block_on;
use crate::show;
use crate::store::Store;

pub(super) fn run(args: SetClientArgs, store: &dyn Store, out: &Output) -> Result<(), Failure> {
    let (name, removed) = (args.name.clone(), args.remove_scope.clone());
    let change = change(args, out)?;
    if change.is_empty() {
        return Err(Failure::usage(
            "nothing to change: give an option such as --quota or --scope (see `keygate client set --help`)",
        ));
    }
    let (before, after) =
        updated(&name, &change, store).map_err(|error| client_failure(error, &name, store))?;
    differences(&before, &after).report(&name, &json!(after), out)?;
    warn_of_wider_scopes(&removed, &after, out);
    ineffective::warn(&before, &after, store, out);
    Ok(())
}

/// Each further attempt means that another operator has changed the client in the meantime.
const ATTEMPTS: usize = 100;

/// Returns the client before and after the change. If others change it meanwhile, `before` includes their changes.
fn updated(
    name: &str,
    change: &ClientChange,
    store: &dyn Store,
) -> Result<(ClientInfo, ClientInfo), ManageError> {
    let mut before = block_on(store.find_client(name))?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let store = store.if_version(before.version());
        match block_on(store.update_client(name, change.clone())) {
            Err(ManageError::ClientChanged { current }) if attempts < ATTEMPTS => before = *current,
            updated => return Ok((before, updated?)),
        }
    }
}

fn change(args: SetClientArgs, out: &Output) -> Result<ClientChange, Failure> {
    let mut change = ClientChange::new();
    if let Some(title) = args.title {
        out.warn_if_key("the title", &title);
        change = change.with_title(title);
    }
    if args.no_title {
        change = change.without_title();
    }
    if args.no_network || !args.networks.is_empty() {
        change = change.with_networks(args.networks);
    }
    if args.no_scope || !args.scopes.is_empty() {
        change = change.with_scopes(args.scopes);
    }
    if let Some(scope) = args.add_scope.iter().find(|scope| args.remove_scope.contains(scope)) {
        return Err(Failure::usage(format!(
            "the scope `{scope}` is both added and removed: choose one"
        )));
    }
    change = args.add_scope.into_iter().fold(change, ClientChange::add_scope);
    change = args.remove_scope.into_iter().fold(change, ClientChange::remove_scope);
    if let Some(quota) = quota(&args.quota)? {
        change = change.with_quota(quota);
    }
    if args.no_quota {
        change = change.without_quota();
    }
    let metadata = unique(args.metadata)?;
    if let Some(name) = args.remove_metadata.iter().find(|name| metadata.contains_key(*name)) {
        return Err(Failure::usage(format!(
            "the metadata name `{name}` is both set and removed: choose one"
        )));
    }
    warn_of_keys(&metadata, out);
    let set = |change: ClientChange, (name, value)| change.set_metadata(name, value);
    change = metadata.into_iter().fold(change, set);
    Ok(args.remove_metadata.into_iter().fold(change, ClientChange::remove_metadata))
}

fn differences(before: &ClientInfo, after: &ClientInfo) -> Differences {
    let [old, new] = [&before.profile, &after.profile];
    let mut differences = Differences::default();
    differences.add("title", [old, new].map(|it| it.title().map(str::to_owned)));
    let scopes = [before, after].map(|client| show::scopes(client).join(" "));
    differences.add_list("scopes", scopes);
    differences.add_list("networks", [old, new].map(|it| show::joined(it.networks())));
    differences.add("quota", [old, new].map(|it| it.quota().map(ToString::to_string)));
    let names = old.metadata().keys().chain(new.metadata().keys());
    for name in names.collect::<std::collections::BTreeSet<_>>() {
        let values = [old, new].map(|it| it.metadata().get(name).cloned());
        differences.add(&format!("metadata {name}"), values);
    }
    differences
}

/// Warns about removed scopes that the client still has through a wider scope.
fn warn_of_wider_scopes(removed: &[Scope], client: &ClientInfo, out: &Output) {
    for scope in removed {
        let wider = client.profile.scopes().iter().find(|wider| wider.covers(scope));
        if let Some(wider) = wider {
            out.warn(&format!(
                "{} still has the scope {scope}, which {wider} covers",
                client.profile.name()
            ));
        }
    }
}
