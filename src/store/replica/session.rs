//! One connection to the database, until its first error.

use std::mem;
use std::time::{Duration, Instant};

use sqlx::Acquire as _;
use sqlx::postgres::PgListener;
use tokio::time::{sleep, timeout};

use super::connection::{POLL_DEADLINE, SessionError, connect_listener, within};
use super::server_probe::ServerProbe;
use super::shared::{POLL_INTERVAL, Progress, Status};
use super::state::FollowerState;
use super::{load, poll, reports};
use crate::store::postgres::{row_security, schema};

/// The minimum time between two polls, so that a burst of notifications causes only one poll.
const MIN_PAUSE: Duration = Duration::from_millis(5);

/// The deadline of `listen`, which is optional, and the pause before it is tried again.
const LISTEN_DEADLINE: Duration = Duration::from_secs(2);
const LISTEN_PAUSE: Duration = Duration::from_secs(60);

/// The deadline of a poll that also reads changed rows, whose number is limited by `change_queue`.
const BATCH_DEADLINE: Duration = Duration::from_secs(10);

pub(super) struct Session {
    listener: PgListener,
    probe: ServerProbe,
}

impl Session {
    pub(super) async fn open(state: &mut FollowerState) -> Result<Self, SessionError> {
        let mut listener = connect_listener(&state.options.database).await?;
        let probe = Self::prepare(&mut listener, state).await?;
        Ok(Self { listener, probe })
    }

    async fn prepare(
        listener: &mut PgListener,
        state: &mut FollowerState,
    ) -> Result<ServerProbe, SessionError> {
        let connection = listener.acquire().await?;
        if state.options.migrate && !state.migrated {
            let migration = timeout(schema::MIGRATE_DEADLINE, schema::migrate(connection)).await;
            migration
                .map_err(|_| SessionError::unreachable("migrating the tables timed out"))??;
            state.migrated = true;
        } else {
            within(POLL_DEADLINE, schema::check(connection)).await?;
        }
        let probe = within(POLL_DEADLINE, ServerProbe::new(connection)).await?;
        state.queue.reload |= probe.is_blind;
        if !state.options.through_pooler && !state.is_listen_paused() {
            listen(listener, state).await?;
        }
        Ok(probe)
    }

    /// Follows the database until the connection fails.
    pub(super) async fn follow(&mut self, state: &mut FollowerState) -> SessionError {
        // The last session may have ended before it applied all changes that it took from the queue.
        state.queue.reload |= state.queue.has_unapplied;
        loop {
            let result = match self.poll_once(state).await {
                Ok(Progressed::CaughtUp) if state.resume_listen() => {
                    listen(&mut self.listener, state).await
                }
                Ok(Progressed::CaughtUp) => self.wait().await,
                Ok(Progressed::MoreToRead) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                return self.explain(error).await;
            }
        }
    }

    /// Names the policies that hide rows, if the server lists them in time.
    async fn explain(&mut self, error: SessionError) -> SessionError {
        let Some(message) = &error.denied else { return error };
        let Ok(connection) = self.listener.acquire().await else { return error };
        match timeout(POLL_DEADLINE, row_security::cause(connection, true, message)).await {
            Ok(Some(named)) => named.into(),
            Ok(None) | Err(_) => error,
        }
    }

    async fn poll_once(&mut self, state: &mut FollowerState) -> Result<Progressed, SessionError> {
        let started = Instant::now();
        let connection = self.listener.acquire().await?;
        match &state.position {
            Some(last) if !state.queue.reload => {
                let last = last.clone();
                let batch = state.queue.take();
                let deadline = if batch.is_empty() { POLL_DEADLINE } else { BATCH_DEADLINE };
                let response = poll::poll(connection, &self.probe, &last, &batch);
                let mut response = within(deadline, response).await?;
                state.shared.record_poll_time(started.elapsed());
                let probed = &response.probed;
                let is_paused = state.is_listen_paused();
                reports::wake_ups(&state.shared, is_paused, probed.is_queue_high);
                let position = &probed.position;
                if probed.lost_events || !position.follows(&last) || position.feed != last.feed {
                    state.queue.reload = true;
                    return Ok(Progressed::MoreToRead);
                }
                response.queue_changes(&mut state.queue)?;
                // Set before the rows are served, so that a database that loses them later is detected.
                state.position = Some(response.probed.position.clone());
                response.apply(state, batch)?;
                state.queue.has_unapplied = false;
            }
            _ => load::load(connection, &self.probe, state).await?,
        }
        if !state.queue.is_empty() {
            return Ok(Progressed::MoreToRead);
        }
        state.shared.record_contact(started.elapsed());
        if state.shared.status() != Status::Fresh {
            // A load takes long, so more may have changed meanwhile.
            return Ok(Progressed::MoreToRead);
        }
        reports::caught_up(&state.shared, &state.clients);
        if mem::take(&mut state.has_changed) {
            state.shared.changes.send_replace(());
        }
        state.shared.set_progress(Progress::Ready);
        Ok(Progressed::CaughtUp)
    }

    /// Waits for a notification, but not beyond the time of the next poll.
    async fn wait(&mut self) -> Result<(), SessionError> {
        if self.listener.next_buffered().is_none() {
            match timeout(POLL_INTERVAL, self.listener.try_recv()).await {
                Err(_) => return Ok(()),
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return Err(SessionError::unreachable("the connection was lost")),
                Ok(Err(error)) => return Err(error.into()),
            }
        }
        sleep(MIN_PAUSE).await;
        while self.listener.next_buffered().is_some() {}
        Ok(())
    }
}

/// Starts listening for notifications. On a server with a full notification queue, `listen` may take minutes:
/// the session then ends, and the next one only polls.
async fn listen(listener: &mut PgListener, state: &mut FollowerState) -> Result<(), SessionError> {
    if let Ok(listening) = timeout(LISTEN_DEADLINE, listener.listen("keygate")).await {
        return Ok(listening?);
    }
    state.listen_paused_until = Instant::now().checked_add(LISTEN_PAUSE);
    Err(SessionError::unreachable(
        "`listen` timed out; the next connection polls without \
        notifications",
    ))
}

enum Progressed {
    CaughtUp,
    MoreToRead,
}
