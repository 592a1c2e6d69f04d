use std::time::SystemTime;

use keygate::manage::Expiry;

use super::draft::{Draft, warn_of_disabled};
use crate::args::{Globals, IssueArgs};
use crate::failure::Failure;
use crate::identify::client_failure;
use crate::output::Output;
use crate::runtime::block_on;
use crate::show;
use crate::store::Store;

pub(super) fn run(
    args: &IssueArgs,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let IssueArgs { client, new_key } = args;
    let expires = new_key.expires.map(|expires| expires.instant(now)).transpose()?;
    // An unknown client fails here, with the nearest name.
    let found = block_on(store.find_client(client));
    let profile = found.map_err(|error| client_failure(error, client, store))?.profile;

    let expiry = expires.map_or(Expiry::Inherit, Expiry::At);
    let (label, policy) = (new_key.label.as_deref(), block_on(store.policy())?);
    let draft = Draft::new(&profile, label, expiry, &policy, now, new_key, out)?;
    let (delivery, issued) = draft
        .store(new_key, globals, out, store, |store, new| block_on(store.issue(client, new)))?;
    let note =
        format!("issued {}, {}", show::named_new(&issued, out), show::lifetime(&issued, now));
    delivery.complete(&note, out)?;
    warn_of_disabled(&issued, out);
    Ok(())
}
