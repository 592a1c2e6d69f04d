//! The thread that follows the database.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot::Receiver;
use tokio::sync::watch;
use tokio::time::sleep;

use super::clients::Clients;
use super::fallback::{Attempt, Fallback};
use super::fault::Fault;
use super::history::Position;
use super::pending::Pending;
use super::refused::Refused;
use super::session::Session;
use super::shared::{Progress, Shared};
use super::snapshot::{self, Keeper};
use super::{ReplicaOptions, clock, report};
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// The pause before the first attempt to connect again, and the longest. Each is halved at random, so
/// that the instances of a fleet do not come all at once.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Follows on a thread and in a runtime of its own, so that nothing that blocks those of the service
/// delays a revoke.
pub(super) fn start(options: ReplicaOptions, shared: &Arc<Shared>, ended: Receiver<Infallible>) {
    let theirs = Arc::clone(shared);
    let run = move || {
        let end = End(theirs);
        match runtime() {
            Ok(runtime) => {
                runtime.block_on(Follower::new(options, Arc::clone(&end.0)).run(ended));
                // A name that is being resolved may take its time, and nobody waits for it.
                runtime.shutdown_background();
            }
            Err(error) => fail(&end.0, error),
        }
    };
    let follower = thread::Builder::new().name("keygate-replica".to_owned());
    if let Err(error) = clock::start(shared).and_then(|()| follower.spawn(run)) {
        shared.end();
        fail(shared, error);
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn fail(shared: &Shared, error: io::Error) {
    let error = DatabaseError::Unavailable(StoreError::new(error));
    shared.fails(error.clone());
    shared.progress.send_replace(Progress::Failed(error));
}

/// However the follower ends, by a panic, too: nothing is served that nobody follows.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What is known besides the table, and stays when connections come and go.
pub(super) struct Follower {
    pub(super) options: ReplicaOptions,
    pub(super) shared: Arc<Shared>,
    pub(super) clients: Clients,
    pub(super) refused: Refused,
    pub(super) pending: Pending,
    /// Up to where the history of the database is known; nothing before the first load.
    pub(super) position: Option<Position>,
    pub(super) migrated: bool,
    pub(super) snapshot: Option<Keeper>,
    /// Until when nobody listens for wake-ups, since that took too long.
    pub(super) deaf_until: Option<Instant>,
    attempt: watch::Sender<Attempt>,
}

impl Follower {
    fn new(options: ReplicaOptions, shared: Arc<Shared>) -> Self {
        let place = snapshot::place(options.database.place());
        let snapshot = options.snapshot.clone().map(|path| Keeper::new(path, place));
        Self {
            options,
            shared,
            clients: Clients::default(),
            refused: Refused::unknown(),
            pending: Pending::default(),
            position: None,
            migrated: false,
            snapshot,
            deaf_until: None,
            attempt: watch::Sender::default(),
        }
    }

    async fn run(mut self, ended: Receiver<Infallible>) {
        let fallback = Fallback::new(&self.options, &self.shared, self.attempt.subscribe());
        let start = async {
            if let Some(fallback) = fallback {
                fallback.run().await;
            }
            pending::<()>().await;
        };
        tokio::select! {
            biased;
            _ = ended => {}
            () = self.follow() => {}
            () = start => {}
        }
    }

    async fn follow(&mut self) {
        let mut pause = PAUSE;
        loop {
            let began = Instant::now();
            let fault = match Session::open(self).await {
                Ok(mut session) => {
                    self.attempt.send_replace(Attempt::Answered);
                    session.follow(self).await
                }
                Err(fault) => fault,
            };
            if self.shared.since_contact().is_some_and(|since| since < began.elapsed()) {
                pause = PAUSE;
            }
            self.failed(fault);
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn failed(&self, Fault { error, is_lasting }: Fault) {
        report::failing(&self.shared, &error);
        // A server that refuses has answered.
        let attempt = if is_lasting { Attempt::Answered } else { Attempt::Failed };
        self.attempt.send_replace(attempt);
        if is_lasting && self.position.is_none() && !self.shared.is_ready() {
            self.shared.progress.send_replace(Progress::Failed(error));
        }
    }

    pub(super) fn is_deaf(&self) -> bool {
        self.deaf_until.is_some()
    }

    /// Whether it is time to listen again.
    pub(super) fn hears_again(&mut self) -> bool {
        self.deaf_until.take_if(|until| *until <= Instant::now()).is_some()
    }

    /// All that the database holds is served.
    pub(super) fn keep_snapshot(&mut self) {
        let (Some(keeper), Some(contact)) = (&mut self.snapshot, self.shared.last_contact()) else {
            return;
        };
        match keeper.keep(&self.shared, contact) {
            Ok(false) => {}
            Ok(true) => self.shared.told().snapshot_error = None,
            Err(error) => report::snapshot_failed(&self.shared, &keeper.path, &error),
        }
    }
}

fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness all pauses are as long.
    let _ = getrandom::fill(&mut byte);
    pause.saturating_sub(pause * u32::from(byte[0]) / 512)
}
