//! The threads of a replica.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot::Receiver;
use tokio::time::sleep;

use super::connection::SessionError;
use super::options::ReplicaOptions;
use super::reports;
use super::session::Session;
use super::shared::{Progress, Shared, Status};
use super::snapshot::SnapshotTask;
use super::state::FollowerState;
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// The backoff before reconnecting doubles up to a maximum. Up to half of it is random, so that the
/// instances of a fleet do not reconnect all at once.
const MIN_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// The interval between two updates of the status.
const TICK: Duration = Duration::from_millis(50);

/// Starts the follower on its own thread and runtime, so that blocking work of the service delays no revocation.
pub(super) fn start(options: ReplicaOptions, shared: &Arc<Shared>, dropped: Receiver<Infallible>) {
    let guard = EndOnDrop(Arc::clone(shared));
    let run = move || match runtime() {
        Ok(runtime) => {
            runtime.block_on(follow_until(dropped, options, guard));
            // Does not wait for DNS lookups or the disk.
            runtime.shutdown_background();
        }
        Err(error) => fail(&guard.0, error),
    };
    let follower = thread::Builder::new().name("keygate-replica".to_owned());
    if let Err(error) = start_watchdog(shared).and_then(|()| follower.spawn(run).map(drop)) {
        fail(shared, error);
    }
}

/// Starts the watchdog, a thread that stops serving keys that are too old, even if the follower is blocked by a disk or
/// a DNS lookup. It ends after the follower.
pub(super) fn start_watchdog(shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let run = move || {
        while shared.status() != Status::Ended {
            thread::sleep(TICK);
            shared.update_status();
        }
    };
    thread::Builder::new().name("keygate-watchdog".to_owned()).spawn(run).map(drop)
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().thread_name("keygate-snapshot").build()
}

fn fail(shared: &Shared, error: io::Error) {
    let error = DatabaseError::Unavailable(StoreError::new(error));
    shared.set_error(error.clone());
    shared.set_progress(Progress::Failed(error));
}

/// Stops serving when the follower ends, even by a panic, since nothing would update the keys any more.
struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn follow_until(dropped: Receiver<Infallible>, options: ReplicaOptions, guard: EndOnDrop) {
    let shared = Arc::clone(&guard.0);
    if let Some(snapshot) = SnapshotTask::new(&options, &shared) {
        tokio::spawn(snapshot.run());
    }
    tokio::select! {
        biased;
        _ = dropped => {}
        () = follow(FollowerState::new(options, shared)) => {}
    }
}

async fn follow(mut state: FollowerState) {
    let mut backoff = MIN_BACKOFF;
    loop {
        let started = Instant::now();
        let error = match Session::open(&mut state).await {
            Ok(mut session) => {
                state.shared.set_progress(Progress::Loading);
                session.follow(&mut state).await
            }
            Err(error) => error,
        };
        let contact = state.shared.since_contact();
        if contact.is_some_and(|since| since < started.elapsed()) {
            backoff = MIN_BACKOFF;
        }
        let SessionError { error, is_lasting, .. } = error;
        reports::failing(&state.shared, &error);
        let progress = if is_lasting { Progress::Failed(error) } else { Progress::Unreachable };
        state.shared.set_progress(progress);
        sleep(with_jitter(backoff)).await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

fn with_jitter(backoff: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness, all instances wait equally long.
    let _ = getrandom::fill(&mut byte);
    backoff.saturating_sub(backoff * u32::from(byte[0]) / 512)
}
