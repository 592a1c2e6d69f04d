use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{fmt, io, thread};

use super::{Observe, Outcome};
use crate::callback::guarded;
use crate::client::{Client, ClientProfile};
use crate::error::AuthError;

/// Runs a slow observer on its own thread, such as one that writes to a disk or a network.
///
/// Outcomes pass through a queue, and no request waits for it. While the queue is full, outcomes are dropped and counted
/// in [`QueuedObserver::dropped`]. Outcomes that are queued when the process ends are lost as well.
///
/// It is a handle: clones share the queue and the thread. The thread ends when the last clone is gone and the queue is
/// empty.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, Outcome};
/// use keygate::observe::QueuedObserver;
///
/// let slow = |outcome: &Outcome<'_>| {
///     // Write it somewhere ...
///     let _ = (outcome.name(), outcome.key_id());
/// };
/// let observer = QueuedObserver::new(slow, 10_000)?;
/// let auth = Authenticator::new(MemoryStore::new()).add_observer(observer.clone());
/// assert_eq!(observer.dropped(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct QueuedObserver {
    queue: SyncSender<QueuedOutcome>,
    dropped: Arc<AtomicU64>,
}

/// A queue of this capacity takes about 0.1 GB.
const MAX_CAPACITY: usize = 1 << 20;

/// An owned [`Outcome`].
struct QueuedOutcome {
    result: Result<Client, AuthError>,
    profile: Option<ClientProfile>,
}

impl QueuedObserver {
    /// Starts the thread, with a queue of `capacity` outcomes, but at least 1 and at most 1,048,576. Each slot takes
    /// less than 100 bytes from the start. A queued outcome keeps the client's profile and the error in memory: a few
    /// hundred bytes for a refusal, and more if many scopes were required.
    ///
    /// # Errors
    ///
    /// The system cannot start another thread.
    pub fn new(observer: impl Observe, capacity: usize) -> io::Result<Self> {
        let (queue, outcomes) = sync_channel(capacity.clamp(1, MAX_CAPACITY));
        let thread = thread::Builder::new().name("keygate-observer".to_owned());
        thread.spawn(move || run(&observer, &outcomes))?;
        Ok(Self { queue, dropped: Arc::default() })
    }

    /// Returns the number of outcomes dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn run(observer: &dyn Observe, outcomes: &Receiver<QueuedOutcome>) {
    for QueuedOutcome { result, profile } in outcomes {
        let outcome = Outcome { result: result.as_ref(), profile: profile.as_ref() };
        guarded(|| observer.observe(&outcome));
    }
}

impl Observe for QueuedObserver {
    fn observe(&self, outcome: &Outcome<'_>) {
        let result = outcome.result.cloned().map_err(Clone::clone);
        let queued = QueuedOutcome { result, profile: outcome.profile.cloned() };
        if self.queue.try_send(queued).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for QueuedObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedObserver").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

const _: () = assert!(size_of::<QueuedOutcome>() < 100);
