//! What is told: in the health, and as `tracing` events with that feature.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::clients::Clients;
use super::follower::Follower;
use super::shared::Shared;
use crate::store::sql::DatabaseError;

/// All keys were loaded.
pub(super) fn loaded(shared: &Shared, clients: &Clients) {
    let mut told = shared.told();
    told.loads += 1;
    told.clients = clients.len();
    #[cfg(feature = "tracing")]
    tracing::info!(
        keys = shared.table.live(),
        clients = told.clients,
        refused = told.refused_rows,
        "the replica has loaded all keys"
    );
}

/// All that has changed was taken.
pub(super) fn followed(shared: &Shared, clients: &Clients) {
    let mut told = shared.told();
    told.clients = clients.len();
    told.failing_since = None;
    if told.error.take().is_some() {
        #[cfg(feature = "tracing")]
        tracing::info!("the replica follows the database again");
    }
}

/// Whether wake-ups come.
pub(super) fn wake_ups(follower: &Follower, is_queue_high: bool) {
    let why = if follower.is_deaf() {
        Some("`listen` took too long on this server, and is tried again after a minute")
    } else if is_queue_high {
        Some(
            "the queue of notifications is more than 1% full, since a listener does not read it: \
             end the sessions that listen inside of a long transaction",
        )
    } else {
        None
    };
    let mut told = follower.shared.told();
    if told.no_wake_ups.as_deref() == why {
        return;
    }
    told.no_wake_ups = why.map(str::to_owned);
    #[cfg(feature = "tracing")]
    if let Some(why) = why {
        tracing::warn!(why, "the replica gets no wake-ups, and finds changes by polling");
    }
}

/// The database is not what it was.
pub(super) fn reset(shared: &Shared) {
    shared.told().resets += 1;
    #[cfg(feature = "tracing")]
    tracing::error!(
        "the database is another one or went back in time: changes may be lost, all keys are \
         loaded anew"
    );
}

/// The database cannot be followed, as far as this try goes.
pub(super) fn failing(shared: &Shared, error: &DatabaseError) {
    let text = error.to_string();
    let told = shared.fails(error.clone());
    let is_told = told.is_some_and(|told| told.to_string() == text);
    #[cfg(feature = "tracing")]
    if !is_told {
        tracing::error!(
            last_contact = ?shared.since_contact(),
            error = text,
            "the replica does not follow the database: changes have no effect"
        );
    }
    #[cfg(not(feature = "tracing"))]
    let _ = is_told;
}

/// Keys were taken from a copy on disk.
pub(super) fn snapshot_read(shared: &Shared, age: Duration) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        keys = shared.table.live(),
        ?age,
        "the database is out of reach, and the replica starts from its snapshot"
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (shared, age);
}

/// A copy on disk could not be read or written.
pub(super) fn snapshot_failed(shared: &Shared, path: &Path, error: &io::Error) {
    let text = format!("{}: {error}", path.display());
    let told = shared.told().snapshot_error.replace(text.clone());
    #[cfg(feature = "tracing")]
    if told.as_ref() != Some(&text) {
        tracing::error!(error = text, "the snapshot of the replica could not be read or written");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = told;
}
