use std::sync::Arc;
use std::time::Instant;

use super::change_queue::ChangeQueue;
use super::clients::Clients;
use super::history::Position;
use super::options::ReplicaOptions;
use super::rows::RefusedKeys;
use super::shared::Shared;

/// The follower's state apart from the table. It outlives connections.
pub(super) struct FollowerState {
    pub(super) options: ReplicaOptions,
    pub(super) shared: Arc<Shared>,
    pub(super) clients: Clients,
    pub(super) refused: RefusedKeys,
    pub(super) queue: ChangeQueue,
    /// The last position in the database's history; `None` before the first load.
    pub(super) position: Option<Position>,
    pub(super) migrated: bool,
    /// Whether changes were served that [`Shared::changes`] does not count yet.
    pub(super) has_changed: bool,
    /// The end of the pause after a `listen` that took too long.
    pub(super) listen_paused_until: Option<Instant>,
}

impl FollowerState {
    pub(super) fn new(options: ReplicaOptions, shared: Arc<Shared>) -> Self {
        Self {
            options,
            shared,
            clients: Clients::new(),
            refused: RefusedKeys::unknown(),
            queue: ChangeQueue::default(),
            position: None,
            migrated: false,
            has_changed: false,
            listen_paused_until: None,
        }
    }

    pub(super) fn is_listen_paused(&self) -> bool {
        self.listen_paused_until.is_some()
    }

    /// Ends the pause of `listen` when its time is over. Returns whether it ended.
    pub(super) fn resume_listen(&mut self) -> bool {
        self.listen_paused_until.take_if(|until| *until <= Instant::now()).is_some()
    }
}
