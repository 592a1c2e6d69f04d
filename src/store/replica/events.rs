//! The replica's `tracing` events.

use std::time::Duration;

pub(super) fn loaded(keys: usize, clients: usize, refused: usize) {
    #[cfg(feature = "tracing")]
    tracing::info!(keys, clients, refused, "the replica has loaded all keys");
}

pub(super) fn recovered() {
    #[cfg(feature = "tracing")]
    tracing::info!("the replica follows the database again");
}

pub(super) fn no_wake_ups(why: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(why, "the replica receives no notifications, and finds changes by polling");
}

pub(super) fn reset() {
    #[cfg(feature = "tracing")]
    tracing::error!(
        "the database is another one or went back in time: changes may be lost, all keys are \
         loaded again"
    );
}

pub(super) fn failing(last_contact: Option<Duration>, error: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(
        ?last_contact,
        error,
        "the replica does not follow the database: changes have no effect"
    );
}

pub(super) fn snapshot_read(keys: usize, age: Duration) {
    #[cfg(feature = "tracing")]
    tracing::warn!(keys, ?age, "the database cannot be reached: the replica serves its snapshot");
}

pub(super) fn snapshot_failed(error: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(error, "the snapshot of the replica could not be read or written");
}
