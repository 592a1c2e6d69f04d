use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use std::{fmt, io, thread};

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use super::{Usage, UsageHistory};
use crate::store::DatabaseError;

mod batches;
mod events;
mod writing;

use batches::Batches;
use writing::{Command, Writing};

/// Writes the counts of a [`Usage`] to a [`UsageHistory`], so that they survive the process.
///
/// Every 10 seconds, a separate thread takes the new counts and, if there are any, writes them in one transaction. Without
/// any, it writes once a minute that usage is watched. No request waits for it, and counting a request costs the same as
/// without a writer. Several instances may write to one
/// history: their counts are added up.
///
/// - A batch has the id of its instance and its own number, and is sent unchanged until the database confirms it. So a
///   commit whose confirmation was lost is counted once.
/// - While the history cannot be written, new counts are collected with their minutes, up to 100,000 rows. Further
///   counts are written afterwards as if they were new. A batch that was refused for an hour is dropped, and usage
///   counts as watched only since then: see [`UsageHistory::watch`].
/// - A process that is killed loses the counts since its last batch. Call [`UsageWriter::stop`] at the end of the service.
///
/// The start of a failure is an event (feature `tracing`), and [`UsageWriter::health`] shows the failure while it
/// lasts.
///
/// ```
/// use keygate::observe::{UsageHistory, UsageWriter};
/// use keygate::{Authenticator, MemoryStore, Usage};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "sqlite")] {
/// # let folder = std::env::temp_dir().join(format!("keygate-usage-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let history = UsageHistory::in_folder(&folder).await?;
/// let usage = Usage::new();
/// let writer = UsageWriter::start(&usage, &history)?;
/// let auth = Authenticator::new(MemoryStore::new()).add_observer(usage);
/// // Serve, and at the end:
/// writer.stop().await?;
/// # std::fs::remove_dir_all(folder)?;
/// # }
/// # Ok(())
/// # }
/// ```
#[must_use = "the writer stops when it is dropped"]
pub struct UsageWriter {
    commands: mpsc::UnboundedSender<Command>,
    state: Arc<State>,
}

/// The state of a [`UsageWriter`].
///
/// See [`UsageWriter::health`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UsageWriterHealth {
    /// Time of the last batch that was confirmed.
    pub last_written: Option<SystemTime>,
    /// Time of the first failure since then.
    pub failing_since: Option<SystemTime>,
    /// The last failure since then.
    pub error: Option<DatabaseError>,
    /// The number of batches that were dropped.
    pub dropped_batches: u64,
}

#[derive(Default)]
struct State(Mutex<UsageWriterHealth>);

impl State {
    fn lock(&self) -> MutexGuard<'_, UsageWriterHealth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The maximum wait of [`UsageWriter::stop`].
const STOP_DEADLINE: Duration = Duration::from_secs(15);

impl UsageWriter {
    /// Starts the thread. Counts from before this call are written, too.
    ///
    /// # Errors
    ///
    /// The `Usage` has a writer, or the system has no thread or no randomness left.
    pub fn start(usage: &Usage, history: &UsageHistory) -> io::Result<Self> {
        if usage.shared.has_writer.swap(true, Ordering::AcqRel) {
            return Err(io::Error::other("this `Usage` already has a writer"));
        }
        let registered = Registered(usage.clone());
        let (commands, received) = mpsc::unbounded_channel();
        let state = Arc::new(State::default());
        let batches = Batches::new(usage.now())?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let tables = history.tables().separate();
        let writing = Writing::new(registered, tables, batches, Arc::clone(&state));
        let thread = thread::Builder::new().name("keygate-usage".to_owned());
        thread.spawn(move || {
            runtime.block_on(writing.run(received));
            // Does not wait for a DNS lookup.
            runtime.shutdown_background();
        })?;
        Ok(Self { commands, state })
    }

    /// Returns the state of the writer.
    pub fn health(&self) -> UsageWriterHealth {
        self.state.lock().clone()
    }

    /// Writes the counts up to now, without waiting for the next batch.
    ///
    /// # Errors
    ///
    /// The history cannot be written. The counts are kept, and written later.
    pub async fn flush(&self) -> Result<(), DatabaseError> {
        self.send(Command::Flush).await
    }

    /// Writes the counts up to now, and ends the thread. Waits for at most 15 seconds.
    ///
    /// Dropping a writer does the same without waiting: a process that ends right afterwards may lose the last counts.
    ///
    /// # Errors
    ///
    /// The history cannot be written, or not in time. The counts that were not written are lost.
    pub async fn stop(self) -> Result<(), DatabaseError> {
        self.send(Command::Stop).await
    }

    async fn send(
        &self,
        command: fn(oneshot::Sender<Result<(), DatabaseError>>) -> Command,
    ) -> Result<(), DatabaseError> {
        let (reply, replied) = oneshot::channel();
        let ended = || DatabaseError::from(crate::StoreError::new("the usage writer has ended"));
        self.commands.send(command(reply)).map_err(|_| ended())?;
        replied.await.unwrap_or_else(|_| Err(ended()))
    }
}

/// Allows another writer when it is dropped.
struct Registered(Usage);

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.shared.has_writer.store(false, Ordering::Release);
    }
}

impl fmt::Debug for UsageWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsageWriter").field("health", &self.health()).finish_non_exhaustive()
    }
}
