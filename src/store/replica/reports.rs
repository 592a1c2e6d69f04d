//! Reports changes of the health of a replica: in [`ReplicaHealth`](super::ReplicaHealth), and as events.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::clients::Clients;
use super::events;
use super::shared::Shared;
use crate::store::sql::DatabaseError;

pub(super) fn loaded(shared: &Shared, clients: &Clients) {
    let mut health = shared.lock_health();
    health.loads += 1;
    health.clients = clients.len();
    events::loaded(shared.table.live(), health.clients, health.refused_rows);
}

pub(super) fn caught_up(shared: &Shared, clients: &Clients) {
    let mut health = shared.lock_health();
    health.clients = clients.len();
    health.failing_since = None;
    if health.error.take().is_some() {
        events::recovered();
    }
}

pub(super) fn wake_ups(shared: &Shared, is_listen_paused: bool, is_queue_high: bool) {
    let why = if is_listen_paused {
        Some("`listen` took too long on this server, and is tried again after a minute")
    } else if is_queue_high {
        Some(
            "the queue of notifications is more than 1% full, since a listener does not read it: \
             end the sessions that listen inside a long transaction",
        )
    } else {
        None
    };
    let mut health = shared.lock_health();
    if health.no_wake_ups.as_deref() == why {
        return;
    }
    health.no_wake_ups = why.map(str::to_owned);
    if let Some(why) = why {
        events::no_wake_ups(why);
    }
}

/// Reports that the database is another one, or went back in time.
pub(super) fn reset(shared: &Shared) {
    shared.lock_health().resets += 1;
    events::reset();
}

/// Reports that the database cannot be followed. A repeated error emits no second event.
pub(super) fn failing(shared: &Shared, error: &DatabaseError) {
    let text = error.to_string();
    let previous = shared.set_error(error.clone());
    if previous.is_none_or(|previous| previous.to_string() != text) {
        events::failing(shared.since_contact(), &text);
    }
}

pub(super) fn snapshot_read(shared: &Shared, age: Duration) {
    events::snapshot_read(shared.table.live(), age);
}

/// Reports that the snapshot could not be read or written.
pub(super) fn snapshot_failed(shared: &Shared, path: &Path, error: &io::Error) {
    let text = format!("{}: {error}", path.display());
    let previous = shared.lock_health().snapshot_error.replace(text.clone());
    if previous.as_ref() != Some(&text) {
        events::snapshot_failed(&text);
    }
}
