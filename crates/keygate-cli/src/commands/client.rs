use std::collections::BTreeMap;

use keygate::ClientProfile;
use keygate::manage::{ClientInfo, ManageError, PartialList};

use crate::args::{AddArgs, ClientCommand, Globals};
use crate::confirm::Confirmation;
use crate::failure::Failure;
use crate::output::{Output, RED};
use crate::runtime::block_on;
use crate::show::{self, counted};
use crate::store::{Store, open};
use crate::table::{Cell, Table};

pub(super) fn run(command: ClientCommand, globals: &Globals, out: &Output) -> Result<(), Failure> {
    let confirmation = match command {
        ClientCommand::Remove(_) => Confirmation::new(globals.yes)?,
        ClientCommand::Add(_)
        | ClientCommand::Enable(_)
        | ClientCommand::Disable(_)
        | ClientCommand::List => Confirmation::Given,
    };
    let store = &*open(globals, out)?;
    match command {
        ClientCommand::Add(args) => {
            let profile = profile(args)?;
            out.warn_if_key("the name of the client", profile.name());
            for (name, value) in profile.metadata() {
                out.warn_if_key("a name in the metadata", name);
                out.warn_if_key("a text in the metadata", value);
            }
            let client = block_on(store.add_client(profile))?;
            changed(&client, "added", ": issue a key for it with `keygate key issue`", out)
        }
        ClientCommand::Enable(args) => {
            let client = block_on(store.enable_client(&args.name))?;
            changed(&client, "enabled", "", out)
        }
        ClientCommand::Disable(args) => {
            let client = block_on(store.disable_client(&args.name))?;
            changed(&client, "disabled", ": its keys are refused until it is enabled", out)
        }
        ClientCommand::Remove(args) => remove(&args.name, confirmation, store, out),
        ClientCommand::List => list(store, out),
    }
}

fn profile(args: AddArgs) -> Result<ClientProfile, Failure> {
    let count = args.metadata.len();
    let metadata: BTreeMap<_, _> = args.metadata.into_iter().collect();
    if metadata.len() < count {
        return Err(Failure::usage("the same metadata name is given twice: keep one of the two"));
    }
    let profile = ClientProfile::new(args.name).with_scopes(args.scopes).with_metadata(metadata);
    Ok(match args.quota {
        Some(quota) => profile.with_quota(quota),
        None => profile,
    })
}

fn remove(
    name: &str,
    confirmation: Confirmation,
    store: &dyn Store,
    out: &Output,
) -> Result<(), Failure> {
    match block_on(store.find_client(name)) {
        Ok(client) if client.enabled => {
            return Err(ManageError::StillEnabled { name: name.to_owned() }.into());
        }
        // A damaged row: the client can still be removed, if it is disabled.
        Ok(_) | Err(ManageError::Unavailable(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let keys = block_on(store.list_readable_keys(Some(name)))?;
    let keys = keys.found.len() + keys.unreadable.len();
    confirmation.ask(&format!("Remove the client {name} and its {}?", counted(keys, "key")))?;
    let client = block_on(store.remove_client(name))?;
    changed(&client, "removed", "", out)
}

fn changed(client: &ClientInfo, how: &str, more: &str, out: &Output) -> Result<(), Failure> {
    let note = format!("{how} {}{more}", client.profile.name());
    out.report_change(&note, &show::client_json(client))
}

fn list(store: &dyn Store, out: &Output) -> Result<(), Failure> {
    let PartialList { found: clients, unreadable, .. } = block_on(store.list_readable_clients())?;
    if clients.is_empty() && unreadable.is_empty() && !out.is_json() {
        out.note("there are no clients: add one with `keygate client add`");
        return Ok(());
    }
    let mut table = Table::new(["CLIENT", "ENABLED", "KEYS", "SCOPES", "QUOTA"]);
    for client in &clients {
        table.push([
            client.profile.name().into(),
            if client.enabled { "yes".into() } else { Cell::styled("no", RED) },
            client.keys.to_string().into(),
            show::scopes(client).join(" ").into(),
            client.profile.quota().map(ToString::to_string).unwrap_or_default().into(),
        ]);
    }
    out.print(&table.render(), &clients.iter().map(show::client_json).collect())?;
    show::unreadable(&unreadable, out)
}
