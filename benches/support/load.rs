use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::caller::Caller;
use super::probes::Probes;

type Failure = Box<dyn Error + Send + Sync>;

const CONNECTIONS: u64 = 4;

/// The number of permanent keys that each connection presents in turn.
const KEYS: u64 = 64;

/// The pause before a broken connection is replaced.
const PAUSE: Duration = Duration::from_millis(100);

/// Callers with permanent keys, who send the next request after each response.
pub(crate) struct Load {
    start: Instant,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<LoadCounts>,
}

/// The numbers of requests sent, and of requests refused or without a response.
#[derive(Default)]
pub(crate) struct LoadCounts {
    pub(crate) sent: u64,
    pub(crate) failed: u64,
}

impl Load {
    /// Starts the load. The numbers of the permanent keys are below `size`.
    pub(crate) fn start(address: SocketAddr, size: u64) -> io::Result<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut callers = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let call = call(address, Probes::picks(size, KEYS), Arc::clone(&ends));
            callers.spawn_on(call, runtime.handle());
        }
        let thread = thread::spawn(move || {
            let all = runtime.block_on(callers.join_all());
            LoadCounts {
                sent: all.iter().map(|counts| counts.sent).sum(),
                failed: all.iter().map(|counts| counts.failed).sum(),
            }
        });
        Ok(Self { start: Instant::now(), ends, thread })
    }

    /// Ends the load, and returns the outcomes and the requests per second.
    pub(crate) fn end(self) -> (LoadCounts, f64) {
        self.ends.store(true, Ordering::Relaxed);
        let counts = self.thread.join().expect("no caller panics");
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests are sent")]
        let sent = counts.sent as f64;
        (counts, sent / self.start.elapsed().as_secs_f64())
    }
}

async fn call(address: SocketAddr, mut keys: Probes, ends: Arc<AtomicBool>) -> LoadCounts {
    let mut counts = LoadCounts::default();
    while let Err(error) = keep_calling(address, &mut keys, &ends, &mut counts).await {
        counts.fail(&error.to_string());
        sleep(PAUSE).await;
    }
    counts
}

/// Sends requests over one connection, until the end or until it breaks.
async fn keep_calling(
    address: SocketAddr,
    keys: &mut Probes,
    ends: &AtomicBool,
    counts: &mut LoadCounts,
) -> Result<(), Failure> {
    let mut caller = Caller::connect(address).await?;
    while !ends.load(Ordering::Relaxed) {
        counts.sent += 1;
        let status = caller.send(keys.value()).await?;
        if status != StatusCode::OK {
            counts.fail(status.as_str());
        }
    }
    Ok(())
}

impl LoadCounts {
    /// Counts a failure, and shows the first one.
    fn fail(&mut self, what: &str) {
        if self.failed == 0 {
            eprintln!("a request with a permanent key failed: {what}");
        }
        self.failed += 1;
    }
}
