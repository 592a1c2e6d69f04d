use std::sync::Arc;
use std::time::Instant;

use super::change_queue::ChangeQueue;
use super::clients::Clients;
use super::history::Position;
use super::options::ReplicaOptions;
use super::refused_keys::RefusedKeys;
use super::report;
use super::shared::Shared;
use super::snapshot::{SnapshotWriter, database_label};

/// The follower's state apart from the table, which outlives connections.
pub(super) struct FollowerState {
    pub(super) options: ReplicaOptions,
    pub(super) shared: Arc<Shared>,
    pub(super) clients: Clients,
    pub(super) refused: RefusedKeys,
    pub(super) queue: ChangeQueue,
    /// The last position in the database's history; `None` before the first load.
    pub(super) position: Option<Position>,
    pub(super) migrated: bool,
    pub(super) snapshot: Option<SnapshotWriter>,
    /// `listen` is not attempted until then, since it took too long.
    pub(super) listen_paused_until: Option<Instant>,
}

impl FollowerState {
    pub(super) fn new(options: ReplicaOptions, shared: Arc<Shared>) -> Self {
        let label = database_label(options.database.place());
        let snapshot = options.snapshot.clone().map(|path| SnapshotWriter::new(path, label));
        Self {
            options,
            shared,
            clients: Clients::default(),
            refused: RefusedKeys::unknown(),
            queue: ChangeQueue::default(),
            position: None,
            migrated: false,
            snapshot,
            listen_paused_until: None,
        }
    }

    pub(super) fn is_listen_paused(&self) -> bool {
        self.listen_paused_until.is_some()
    }

    /// Ends the pause of `listen` when its time is over, and returns whether it did.
    pub(super) fn resume_listen(&mut self) -> bool {
        self.listen_paused_until.take_if(|until| *until <= Instant::now()).is_some()
    }

    /// Updates the snapshot, once all changes of the database are served.
    pub(super) fn update_snapshot(&mut self) {
        let (Some(writer), Some(contact)) = (&mut self.snapshot, self.shared.last_contact()) else {
            return;
        };
        match writer.update(&self.shared, contact) {
            Ok(false) => {}
            Ok(true) => self.shared.lock_health().snapshot_error = None,
            Err(error) => report::snapshot_failed(&self.shared, &writer.path, &error),
        }
    }
}
