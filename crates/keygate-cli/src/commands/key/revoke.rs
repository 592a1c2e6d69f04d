use std::collections::BTreeSet;
use std::time::SystemTime;

use keygate::manage::{KeyInfo, ManageError};

use crate::args::RevokeArgs;
use crate::confirm::Consent;
use crate::failure::Failure;
use crate::output::Output;
use crate::show;
use crate::store::Store;
use crate::wait::block_on;

pub(super) fn run(
    args: &RevokeArgs,
    consent: Consent,
    store: &dyn Store,
    out: &Output,
) -> Result<(), Failure> {
    let mut once = args.ids.iter().collect::<BTreeSet<_>>();
    let ids = args.ids.iter().filter(|id| once.remove(id)).collect::<Vec<_>>();
    let named = ids.iter().map(|id| match block_on(store.find_key(id)) {
        Ok(key) => Ok(show::named(&key)),
        // A row that a hand has spoilt: the key is revoked all the same.
        Err(ManageError::Unavailable(_)) => Ok(id.to_string()),
        Err(error) => Err(error),
    });
    let named = named.collect::<Result<Vec<_>, _>>()?;
    consent.to(&format!("Revoke {}, for good?", named.join(", ")))?;

    let mut revoked = Vec::new();
    for id in &ids {
        let key = block_on(store.revoke(id))
            .map_err(|error| Failure::from(error).and(&so_far(&revoked, ids.len())))?;
        revoked.push(key);
    }
    let named: Vec<_> = revoked.iter().map(show::named).collect();
    let now = SystemTime::now();
    let json = revoked.iter().map(|key| show::key_json(key, now)).collect();
    out.done(&format!("revoked {}", named.join(", ")), &json)
}

/// Which keys a failure half-way has left revoked.
fn so_far(revoked: &[KeyInfo], asked: usize) -> String {
    let named: Vec<_> = revoked.iter().map(show::named).collect();
    match named.len() {
        0 if asked == 1 => String::new(),
        0 => "; none of them was revoked".to_owned(),
        _ => format!("; only these were revoked: {}", named.join(", ")),
    }
}
