use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::{Observe, Outcome, guarded};
use crate::client::Client;
use crate::error::AuthError;
use crate::profile::ClientProfile;

/// Tells another observer from a thread of its own: one that writes to a disk or a network, or may wait for
/// whatever else.
///
/// Each outcome is put into a queue, which never waits: while it is full, outcomes are lost, and counted in
/// [`QueuedObserver::lost`]. Those that stand in it when the process ends are lost, too.
///
/// It is a handle: clones share the queue and the thread, which ends when the last of them is gone and the queue
/// is empty.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, Outcome, QueuedObserver};
///
/// let slow = |outcome: &Outcome<'_>| {
///     // Write it to where it is kept ...
///     let _ = (outcome.name(), outcome.key_id());
/// };
/// let observer = QueuedObserver::new(slow, 10_000)?;
/// let auth = Authenticator::new(MemoryStore::new()).add_observer(observer.clone());
/// assert_eq!(observer.lost(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct QueuedObserver {
    queue: SyncSender<Told>,
    lost: Arc<AtomicU64>,
}

/// A tenth of a gigabyte for the places.
const MAX_CAPACITY: usize = 1 << 20;

/// An outcome that owns what it tells of.
struct Told {
    result: Result<Client, AuthError>,
    profile: Option<ClientProfile>,
}

impl QueuedObserver {
    /// Starts the thread, with a queue for so many outcomes, from 1 to 1,048,576. A place takes less than 100 bytes
    /// from the start. What stands in it keeps the client's profile and the error in memory: some hundred bytes for
    /// a refusal, and more where many scopes were asked for.
    ///
    /// # Errors
    ///
    /// The system starts no further thread.
    pub fn new(observer: impl Observe, capacity: usize) -> io::Result<Self> {
        let (queue, told) = sync_channel(capacity.clamp(1, MAX_CAPACITY));
        let thread = thread::Builder::new().name("keygate-observer".to_owned());
        thread.spawn(move || tell_all(&observer, &told))?;
        Ok(Self { queue, lost: Arc::default() })
    }

    /// How many outcomes were lost because the queue was full.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

fn tell_all(observer: &impl Observe, told: &Receiver<Told>) {
    for Told { result, profile } in told {
        let outcome = Outcome { result: result.as_ref(), profile: profile.as_ref() };
        guarded(|| observer.observe(&outcome));
    }
}

impl Observe for QueuedObserver {
    fn observe(&self, outcome: &Outcome<'_>) {
        let result = outcome.result.cloned().map_err(Clone::clone);
        if self.queue.try_send(Told { result, profile: outcome.profile.cloned() }).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for QueuedObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedObserver").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

const _: () = assert!(size_of::<Told>() < 100);
