use std::time::SystemTime;

use crate::args::{Globals, ShowKeyArgs};
use crate::failure::Failure;
use crate::identify;
use crate::output::Output;
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
    let key = block_on(store.find_key(&key_id))?;

    let status = ShownStatus::of(&key, now, SOON);
    let mut facts = Table::without_headings();
    facts.push_fact("ID", key.key_id.to_string());
    facts.push_fact("CLIENT", key.client.as_str());
    facts.push_fact("LABEL", key.label.as_deref().unwrap_or("none"));
    facts.push_fact("STATE", Cell::styled(status.to_string(), status.style()));
    facts.push_fact("CREATED", moment(key.created, "unknown", now));
    facts.push_fact("EXPIRES", moment(key.expires(), "never", now));
    if let Some(revoked) = key.revoked {
        facts.push_fact("REVOKED", moment(Some(revoked), "", now));
    }
    if let Some(successor) = key.replaced_by {
        facts.push_fact("REPLACED BY", successor.to_string());
    }
    out.print(&facts.render(), &show::key_json(&key, now))
}
