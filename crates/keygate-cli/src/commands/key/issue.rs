use std::time::SystemTime;

use keygate::key::KeyState;
use keygate::manage::KeyInfo;

use super::filing::Draft;
use crate::args::{Globals, IssueArgs};
use crate::failure::Failure;
use crate::output::Output;
use crate::store::Store;
use crate::wait::block_on;
use crate::{relative, show};

pub(super) fn run(
    args: &IssueArgs,
    store: &dyn Store,
    globals: &Globals,
    out: &Output,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    let IssueArgs { client, made } = args;
    let expires = made.expires.map(|expires| expires.instant(now)).transpose()?;
    // Fails for a client that there is not, and says which one is near.
    block_on(store.find_client(client))?;

    let draft = Draft::new(client, made.label.as_deref(), expires, now, made, out)?;
    let (delivery, issued) =
        draft.file(made, globals, out, store, |store, new| block_on(store.issue(client, new)))?;
    let note = format!("issued {}, {}", show::named(&issued), ending(&issued, now));
    delivery.complete(&note, out)?;
    warn_of_disabled(&issued, out);
    Ok(())
}

/// `expires in 3 days`, or that it never does.
pub(in crate::commands) fn ending(key: &KeyInfo, now: SystemTime) -> String {
    key.expires.map_or_else(
        || "never expires".to_owned(),
        |expires| format!("expires {}", relative::from_now(expires, now)),
    )
}

pub(super) fn warn_of_disabled(key: &KeyInfo, out: &Output) {
    if key.state == KeyState::Disabled {
        out.warn(
            "the client is disabled, and its keys are refused: `keygate client enable` ends that",
        );
    }
}
