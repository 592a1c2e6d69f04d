//! A copy of all keys on disk, from which an instance can start while the database cannot be reached.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::options::ReplicaOptions;
use super::reports;
use super::shared::{MAX_CONTACT_TIMEOUT, Progress, Shared};

mod client;
mod file;
mod header;

use file::Snapshot;
use header::Checksum;

/// How long to wait for the first connection attempt: the database has newer keys.
const GRACE: Duration = Duration::from_secs(1);

/// The interval at which the time of the last contact is updated in the file.
const CONTACT_INTERVAL: Duration = Duration::from_secs(10);

/// The pause after writing the snapshot, as a multiple of the time that this took (half a second of CPU time
/// for a million keys). An instance that starts from the file misses revocations that are not in it yet.
const PAUSE_FACTOR: u32 = 9;
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// After this time, a write is reported as hanging.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);

/// The task that starts from the snapshot if necessary, and keeps the file up to date.
///
/// It runs beside the follower, and reads and writes on other threads: no revocation waits for the disk.
pub(super) struct SnapshotTask {
    path: PathBuf,
    database: String,
    shared: Arc<Shared>,
    changes: watch::Receiver<()>,
}

impl SnapshotTask {
    pub(super) fn new(options: &ReplicaOptions, shared: &Arc<Shared>) -> Option<Self> {
        let path = options.snapshot.clone()?;
        let database = database_label(options.database.place());
        let changes = shared.changes.subscribe();
        Some(Self { path, database, shared: Arc::clone(shared), changes })
    }

    pub(super) async fn run(mut self) {
        self.start().await;
        // The first load.
        let _ = self.changes.changed().await;
        self.keep().await;
    }

    /// Serves the snapshot if the database cannot be reached before its keys are loaded.
    async fn start(&self) {
        let mut progress = self.shared.progress.subscribe();
        let first = progress.wait_for(|progress| !matches!(progress, Progress::Connecting));
        // A slow attempt counts as a failed one.
        drop(timeout(GRACE, first).await);
        let is_reachable =
            |progress: &Progress| matches!(progress, Progress::Loading | Progress::Failed(_));
        drop(progress.wait_for(|progress| !is_reachable(progress)).await);
        let (path, database) = (self.path.clone(), self.database.clone());
        let snapshot = tokio::select! {
            biased;
            _ = progress.wait_for(|progress| matches!(progress, Progress::Ready)) => return,
            snapshot = spawn_blocking(move || file::read(&path, &database)) => snapshot,
        };
        match snapshot.map_err(io::Error::from).flatten() {
            // The keys of the database were loaded meanwhile, and are newer.
            _ if self.shared.lock_health().loads > 0 => {}
            Ok(snapshot) => self.serve(snapshot),
            Err(error) => reports::snapshot_failed(&self.shared, &self.path, &error),
        }
    }

    fn serve(&self, snapshot: Snapshot) {
        let Snapshot { table, refused, clients, contact } = snapshot;
        let shared = &self.shared;
        let age = SystemTime::now().duration_since(contact).unwrap_or_default();
        shared.change(Some(refused), |served| served.replace(&table));
        shared.lock_health().clients = clients;
        // A snapshot is never fresh: keys may have been issued since, so an unknown key must get 503.
        shared.record_contact(age.max(MAX_CONTACT_TIMEOUT));
        if shared.is_ready() {
            shared.set_progress(Progress::Ready);
        }
        reports::snapshot_read(shared, age);
    }

    /// Writes the file after changes, and updates the time of the last contact in it while there are none.
    async fn keep(&mut self) {
        // The checksum of the file, if this process was the last to write it.
        let mut written = None;
        loop {
            if written.is_some() && timeout(CONTACT_INTERVAL, self.changes.changed()).await.is_ok()
            {
                written = None;
            }
            let started = Instant::now();
            let result = self.write(written).await;
            written = *result.as_ref().unwrap_or(&None);
            match result {
                Ok(None) => {}
                Ok(Some(_)) => self.shared.lock_health().snapshot_error = None,
                Err(error) => reports::snapshot_failed(&self.shared, &self.path, &error),
            }
            sleep((started.elapsed() * PAUSE_FACTOR).max(MIN_PAUSE)).await;
        }
    }

    /// Updates the file if it has this checksum, or writes it anew. Returns the checksum of the file, or `None` if
    /// another process replaced it.
    async fn write(&mut self, written: Option<Checksum>) -> io::Result<Option<Checksum>> {
        let contact = self.shared.last_contact().unwrap_or(SystemTime::UNIX_EPOCH);
        let (path, database) = (self.path.clone(), self.database.clone());
        let mut write = if let Some(checksum) = written {
            spawn_blocking(move || file::update_contact(&path, contact, checksum))
        } else {
            self.changes.mark_unchanged();
            let (table, refused) = (self.shared.table.fork(), self.shared.refused());
            spawn_blocking(move || {
                file::write(&path, &database, &table, &refused, contact).map(Some)
            })
        };
        if let Ok(result) = timeout(WRITE_DEADLINE, &mut write).await {
            return result?;
        }
        let hanging = "the disk has not responded for a minute";
        let hanging = io::Error::new(io::ErrorKind::TimedOut, hanging);
        reports::snapshot_failed(&self.shared, &self.path, &hanging);
        write.await?
    }
}

/// Identifies the database of a snapshot by its address, since the server may be unreachable. The text is one line
/// without a role or a password.
fn database_label(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().map(|socket| socket.to_string_lossy().into_owned());
    let host = socket.unwrap_or_else(|| options.get_host().to_owned());
    // The default database has the name of the role.
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{database:?} at {host:?}, port {}", options.get_port())
}
