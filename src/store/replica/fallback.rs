//! The start from a snapshot, beside the attempts to reach the database.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{io, thread};

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::shared::{LONGEST_ALLOWANCE, Progress, Shared};
use super::snapshot::{self, Read};
use super::{ReplicaOptions, report};

/// How long an attempt that is under way is waited for: what the database says is newer.
const GRACE: Duration = Duration::from_secs(1);

/// How the newest attempt to reach the database is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Attempt {
    #[default]
    UnderWay,
    /// The keys come from the database, unless it fails yet.
    Answered,
    Failed,
}

pub(super) struct Fallback {
    path: PathBuf,
    place: String,
    shared: Arc<Shared>,
    attempt: watch::Receiver<Attempt>,
}

impl Fallback {
    pub(super) fn new(
        options: &ReplicaOptions,
        shared: &Arc<Shared>,
        attempt: watch::Receiver<Attempt>,
    ) -> Option<Self> {
        let path = options.snapshot.clone()?;
        let place = snapshot::place(options.database.place());
        Some(Self { path, place, shared: Arc::clone(shared), attempt })
    }

    /// Serves the snapshot once it is needed, unless the keys are there before.
    pub(super) async fn run(mut self) {
        let is_over = |attempt: &Attempt| *attempt != Attempt::UnderWay;
        let first = timeout(GRACE, self.attempt.wait_for(is_over)).await;
        let answered =
            first.is_ok_and(|first| first.is_ok_and(|first| *first == Attempt::Answered));
        if answered {
            let _ = self.attempt.wait_for(|attempt| *attempt == Attempt::Failed).await;
        }
        if self.is_loaded() {
            return;
        }
        let read = self.read().await;
        // The database may have answered meanwhile, and knows better.
        if self.is_loaded() {
            return;
        }
        match read {
            Ok(read) => self.serve(read),
            Err(error) => report::snapshot_failed(&self.shared, &self.path, &error),
        }
    }

    fn is_loaded(&self) -> bool {
        self.shared.told().loads > 0
    }

    /// In a thread of its own: a disk may hang, and the database may be back before it answers.
    async fn read(&self) -> io::Result<Read> {
        let (path, place) = (self.path.clone(), self.place.clone());
        let (sender, result) = oneshot::channel();
        let read = move || {
            let _ = sender.send(snapshot::read(&path, &place));
        };
        thread::Builder::new().name("keygate-snapshot".to_owned()).spawn(read)?;
        result.await.map_err(|_| io::Error::other("the thread that reads it has ended"))?
    }

    fn serve(&self, Read { table, refused, clients, contact }: Read) {
        let shared = &self.shared;
        let age = SystemTime::now().duration_since(contact).unwrap_or_default();
        shared.change(Some(refused), |served| served.replace(&table));
        shared.told().clients = clients;
        // Nobody has heard of the keys that were issued since, however short that is.
        shared.heard_of_before(age.max(LONGEST_ALLOWANCE));
        if shared.is_ready() {
            shared.progress.send_replace(Progress::Ready);
        }
        report::snapshot_read(shared, age);
    }
}
