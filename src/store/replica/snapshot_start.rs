//! The start from a snapshot while the database cannot be reached.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{io, thread};

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::options::ReplicaOptions;
use super::report;
use super::shared::{MAX_CONTACT_TIMEOUT, Progress, Shared};
use super::snapshot::{Snapshot, database_label, read_snapshot};

/// How long to wait for the first connection attempt: the database has newer keys.
const GRACE: Duration = Duration::from_secs(1);

/// The state of the latest attempt to connect to the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Attempt {
    #[default]
    Connecting,
    /// The keys are being loaded, unless the session fails.
    Connected,
    Failed,
}

/// Serves the snapshot if the database cannot be reached.
pub(super) struct SnapshotStart {
    path: PathBuf,
    database: String,
    shared: Arc<Shared>,
    attempt: watch::Receiver<Attempt>,
}

impl SnapshotStart {
    pub(super) fn new(
        options: &ReplicaOptions,
        shared: &Arc<Shared>,
        attempt: watch::Receiver<Attempt>,
    ) -> Option<Self> {
        let path = options.snapshot.clone()?;
        let database = database_label(options.database.place());
        Some(Self { path, database, shared: Arc::clone(shared), attempt })
    }

    /// Waits until the database cannot be reached, and serves the snapshot unless the keys were loaded before.
    pub(super) async fn run(mut self) {
        let is_finished = |attempt: &Attempt| *attempt != Attempt::Connecting;
        let first = timeout(GRACE, self.attempt.wait_for(is_finished)).await;
        let connected =
            first.is_ok_and(|first| first.is_ok_and(|first| *first == Attempt::Connected));
        if connected {
            let _ = self.attempt.wait_for(|attempt| *attempt == Attempt::Failed).await;
        }
        if self.is_loaded() {
            return;
        }
        let snapshot = self.read().await;
        // The keys of the database, loaded meanwhile, are newer.
        if self.is_loaded() {
            return;
        }
        match snapshot {
            Ok(snapshot) => self.serve(snapshot),
            Err(error) => report::snapshot_failed(&self.shared, &self.path, &error),
        }
    }

    fn is_loaded(&self) -> bool {
        self.shared.lock_health().loads > 0
    }

    /// Reads the snapshot on a thread of its own: the disk may hang longer than the database is away.
    async fn read(&self) -> io::Result<Snapshot> {
        let (path, database) = (self.path.clone(), self.database.clone());
        let (sender, result) = oneshot::channel();
        let read = move || {
            let _ = sender.send(read_snapshot(&path, &database));
        };
        thread::Builder::new().name("keygate-snapshot".to_owned()).spawn(read)?;
        result.await.map_err(|_| io::Error::other("the thread that reads it ended"))?
    }

    fn serve(&self, snapshot: Snapshot) {
        let Snapshot { table, refused, clients, contact } = snapshot;
        let shared = &self.shared;
        let age = SystemTime::now().duration_since(contact).unwrap_or_default();
        shared.change(Some(refused), |served| served.replace(&table));
        shared.lock_health().clients = clients;
        // Never fresh: keys may have been issued since, so an unknown key must get 503.
        shared.set_contact_age(age.max(MAX_CONTACT_TIMEOUT));
        if shared.is_ready() {
            shared.progress.send_replace(Progress::Ready);
        }
        report::snapshot_read(shared, age);
    }
}
