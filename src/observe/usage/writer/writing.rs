//! The thread of a writer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::batches::Batches;
use super::{Registered, STOP_DEADLINE, State, events};
use crate::error::StoreError;
use crate::observe::usage::aggregate::time;
use crate::store::DatabaseError;
use crate::store::usage::{UsageBatch, UsageTables};

/// The time between two batches, in nanoseconds. It divides a minute, so that a batch rarely has requests of two
/// minutes.
const INTERVAL: u64 = 10_000_000_000;

/// After this time, in nanoseconds, a batch that is still refused is dropped.
const MAX_REFUSED: u64 = 60 * 60 * 1_000_000_000;

/// A command to the thread, with the channel of its result.
pub(super) enum Command {
    Flush(oneshot::Sender<Result<(), DatabaseError>>),
    Stop(oneshot::Sender<Result<(), DatabaseError>>),
}

pub(super) struct Writing {
    usage: Registered,
    tables: UsageTables,
    batches: Batches,
    /// A batch that may have been committed, and the time when it was first refused.
    pending: Option<(UsageBatch, u64)>,
    state: Arc<State>,
}

impl Writing {
    pub(super) fn new(
        usage: Registered,
        tables: UsageTables,
        batches: Batches,
        state: Arc<State>,
    ) -> Self {
        Self { usage, tables, batches, pending: None, state }
    }

    /// Writes until a command or the end of the channel stops it.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        loop {
            let command = tokio::select! {
                biased;
                command = commands.recv() => Some(command),
                () = sleep(self.until_next()) => None,
            };
            match command {
                None => {
                    self.batches.collect(&self.usage.0);
                    let _ = self.write_one().await;
                }
                Some(Some(Command::Flush(reply))) => _ = reply.send(self.flush().await),
                Some(stop @ (None | Some(Command::Stop(_)))) => {
                    let flushed = timeout(STOP_DEADLINE, self.flush()).await;
                    let flushed = flushed.unwrap_or_else(|_| Err(StoreError::timed_out().into()));
                    // Another writer may start once the reply is here.
                    drop(self);
                    if let Some(Command::Stop(reply)) = stop {
                        let _ = reply.send(flushed);
                    }
                    return;
                }
            }
        }
    }

    /// The time until the next multiple of the interval.
    fn until_next(&self) -> Duration {
        Duration::from_nanos(INTERVAL - self.usage.0.now() % INTERVAL)
    }

    async fn flush(&mut self) -> Result<(), DatabaseError> {
        self.batches.collect(&self.usage.0);
        while self.write_one().await? {}
        Ok(())
    }

    /// Writes one batch: the one that failed before, or a new one. Returns whether there was one.
    async fn write_one(&mut self) -> Result<bool, DatabaseError> {
        let (batch, refused) = match self.pending.take() {
            Some((batch, refused)) => (batch, Some(refused)),
            None => match self.batches.make(self.usage.0.now()) {
                Some(batch) => (batch, None),
                None => return Ok(false),
            },
        };
        let Err(error) = self.send(&batch).await else {
            self.written();
            return Ok(true);
        };
        let error = DatabaseError::from(error);
        let now = self.usage.0.now();
        let refused = refused.unwrap_or(now);
        if now.saturating_sub(refused) < MAX_REFUSED {
            self.pending = Some((batch, refused));
        } else {
            self.batches.dropped(&batch);
            self.state.lock().dropped_batches += 1;
            events::dropped(batch.rows.iter().map(|row| row.count).sum());
        }
        self.failed(error.clone());
        Err(error)
    }

    /// Sends a batch, and continues to collect counts by the minute even if the database hangs.
    async fn send(&mut self, batch: &UsageBatch) -> Result<(), StoreError> {
        let tables = self.tables.clone();
        let mut write = pin!(tables.write(batch));
        loop {
            let wait = self.until_next();
            tokio::select! {
                written = &mut write => return written,
                () = sleep(wait) => self.batches.collect(&self.usage.0),
            }
        }
    }

    fn written(&self) {
        let mut health = self.state.lock();
        health.last_written = Some(time(self.usage.0.now()));
        health.failing_since = None;
        if health.error.take().is_some() {
            events::recovered();
        }
    }

    fn failed(&self, error: DatabaseError) {
        let mut health = self.state.lock();
        if health.failing_since.is_none() {
            health.failing_since = Some(time(self.usage.0.now()));
            events::failing(&error.to_string());
        }
        health.error = Some(error);
    }
}
