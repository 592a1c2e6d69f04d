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

use super::options::ReplicaOptions;
use super::session::Session;
use super::session_error::SessionError;
use super::shared::{Progress, Shared};
use super::snapshot_start::{Attempt, SnapshotStart};
use super::state::FollowerState;
use super::{report, watchdog};
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// The backoff before reconnecting doubles up to a maximum. Up to half of it is random, so that the
/// instances of a fleet do not reconnect all at once.
const MIN_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Starts the follower on its own thread and runtime, so that blocking work of the service delays no
/// revoke.
pub(super) fn start(options: ReplicaOptions, shared: &Arc<Shared>, dropped: Receiver<Infallible>) {
    let guard_shared = Arc::clone(shared);
    let run = move || {
        let guard = EndOnDrop(guard_shared);
        match runtime() {
            Ok(runtime) => {
                runtime.block_on(Follower::new(options, Arc::clone(&guard.0)).run(dropped));
                // A DNS lookup may still be running: do not wait for it.
                runtime.shutdown_background();
            }
            Err(error) => fail(&guard.0, error),
        }
    };
    let follower = thread::Builder::new().name("keygate-replica".to_owned());
    if let Err(error) = watchdog::start(shared).and_then(|()| follower.spawn(run)) {
        shared.end();
        fail(shared, error);
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn fail(shared: &Shared, error: io::Error) {
    let error = DatabaseError::Unavailable(StoreError::new(error));
    shared.set_error(error.clone());
    shared.progress.send_replace(Progress::Failed(error));
}

/// Stops serving when the follower ends, even by a panic: nothing would update the keys any more.
struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct Follower {
    state: FollowerState,
    attempt: watch::Sender<Attempt>,
}

impl Follower {
    fn new(options: ReplicaOptions, shared: Arc<Shared>) -> Self {
        Self { state: FollowerState::new(options, shared), attempt: watch::Sender::default() }
    }

    async fn run(mut self, dropped: Receiver<Infallible>) {
        let FollowerState { options, shared, .. } = &self.state;
        let start = SnapshotStart::new(options, shared, self.attempt.subscribe());
        let start = async {
            if let Some(start) = start {
                start.run().await;
            }
            pending::<()>().await;
        };
        tokio::select! {
            biased;
            _ = dropped => {}
            () = self.follow() => {}
            () = start => {}
        }
    }

    async fn follow(&mut self) {
        let mut backoff = MIN_BACKOFF;
        loop {
            let started = Instant::now();
            let error = match Session::open(&mut self.state).await {
                Ok(mut session) => {
                    self.attempt.send_replace(Attempt::Connected);
                    session.follow(&mut self.state).await
                }
                Err(error) => error,
            };
            let contact = self.state.shared.since_contact();
            if contact.is_some_and(|since| since < started.elapsed()) {
                backoff = MIN_BACKOFF;
            }
            self.session_ended(error);
            sleep(with_jitter(backoff)).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    fn session_ended(&self, SessionError { error, is_lasting, .. }: SessionError) {
        let FollowerState { shared, position, .. } = &self.state;
        report::failing(shared, &error);
        // A server that refuses the connection is reachable.
        let attempt = if is_lasting { Attempt::Connected } else { Attempt::Failed };
        self.attempt.send_replace(attempt);
        if is_lasting && position.is_none() && !shared.is_ready() {
            shared.progress.send_replace(Progress::Failed(error));
        }
    }
}

fn with_jitter(backoff: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness, all instances wait equally long.
    let _ = getrandom::fill(&mut byte);
    backoff.saturating_sub(backoff * u32::from(byte[0]) / 512)
}
