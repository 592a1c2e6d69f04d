//! How soon a running service applies changes of its key file. The tool issues and revokes keys while callers send
//! requests without a pause.
//!
//! In files of up to 10,000 keys, the bench issues and revokes 100 keys, and fewer in larger files.
//! `KEYGATE_BENCH_QUICK=1` makes few changes and skips the largest file. `KEYGATE_BENCH_HUGE=1` adds a file of a
//! million keys. If a request with a permanent key is refused or gets no response, the run ends with an error.

use std::env;
use std::error::Error;
use std::time::Instant;

use http::StatusCode;
use tokio::runtime::Builder;

use service::Service;
use support::caller::Caller;
use support::effort::Effort;
use support::figures::part;
use support::key_file::KeyFile;
use support::load::Load;
use support::table::{Table, Unit, met};
use tool::Ran;

mod service;

#[path = "../../../../benches/support"]
#[expect(dead_code, reason = "this bench compares with nothing")]
mod support {
    pub(crate) mod caller;
    pub(crate) mod effort;
    pub(crate) mod figures;
    pub(crate) mod key_file;
    pub(crate) mod keys;
    pub(crate) mod load;
    pub(crate) mod probes;
    pub(crate) mod table;
}

#[path = "../support/tool.rs"]
mod tool;

type Failure = Box<dyn Error + Send + Sync>;

struct Size {
    keys: u64,
    name: &'static str,
    /// Number of keys that are issued and revoked.
    changes: usize,
    /// Longest time in seconds from the end of a command to the first response that honours it.
    target: Option<f64>,
}

const SIZES: [Size; 5] = [
    Size { keys: 10, name: "10 keys", changes: 100, target: Some(1.0) },
    Size { keys: 1_000, name: "1,000 keys", changes: 100, target: Some(1.0) },
    Size { keys: 10_000, name: "10,000 keys", changes: 100, target: Some(1.0) },
    Size { keys: 100_000, name: "100,000 keys", changes: 30, target: None },
    Size { keys: 1_000_000, name: "1,000,000 keys", changes: 5, target: None },
];

const MILLISECONDS: Unit = Unit("ms", 1e-3, 0);

fn main() -> Result<(), Failure> {
    let effort = Effort::of_this_run();
    let huge = env::var_os("KEYGATE_BENCH_HUGE").is_some();
    let sizes = if huge { SIZES.len() } else { effort.pick(2, 3, 4) };
    for size in &SIZES[..sizes] {
        follow(size, size.changes.min(effort.pick(2, 10, 100)))?;
    }
    Ok(())
}

fn follow(size: &Size, changes: usize) -> Result<(), Failure> {
    let keys = KeyFile::new(size.keys)?;
    let service = Service::start(keys.path())?;
    let load = Load::start(service.address, size.keys)?;
    let [issues, revokes] = change(&keys, &service, changes)?;
    let (tally, rate) = load.end();

    let mut table = Table::new(&["what", "p50", "p90", "p99", "max", "target", "met"]);
    for (command, times) in [("key issue", issues), ("key revoke", revokes)] {
        table.row(cells(&format!("{command} takes"), &times.command, None));
        table.row(cells("  honoured after its start", &times.after_start, None));
        table.row(cells("  honoured after its end", &times.after_end, size.target));
    }
    table.print(&format!("{}, and {changes} issued and revoked one by one", size.name));
    println!("valid requests: {} sent, {rate:.0} a second, {} failed", tally.sent, tally.failed);
    if tally.failed == 0 {
        return Ok(());
    }
    Err(format!("{}: {} valid requests failed", size.name, tally.failed).into())
}

/// Issues and revokes keys one by one, and waits until each change is honoured.
fn change(keys: &KeyFile, service: &Service, changes: usize) -> Result<[Times; 2], Failure> {
    let mut times = [Times::default(), Times::default()];
    let [issues, revokes] = &mut times;
    let mut gone = Vec::new();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let connect = || runtime.block_on(Caller::connect(service.address));
    for _ in 0..changes {
        let (key, ran) = tool::issue(keys.path(), &keys.client())?;
        let value = key.value()?;
        // A new connection, because an idle one may be closed during a long command.
        let mut caller = connect()?;
        issues.add(ran, runtime.block_on(caller.wait_for(StatusCode::OK, &value))?);

        let ran = tool::revoke(keys.path(), &key)?;
        let mut caller = connect()?;
        revokes.add(ran, runtime.block_on(caller.wait_for(StatusCode::UNAUTHORIZED, &value))?);
        gone.push(value);
    }
    let mut caller = connect()?;
    for value in gone {
        let status = runtime.block_on(caller.send(value))?;
        if status != StatusCode::UNAUTHORIZED {
            return Err(format!("a revoked key works again: {status}").into());
        }
    }
    Ok(times)
}

/// The times of one kind of command, in seconds.
#[derive(Default)]
struct Times {
    command: Vec<f64>,
    after_start: Vec<f64>,
    after_end: Vec<f64>,
}

impl Times {
    fn add(&mut self, ran: Ran, honoured: Instant) {
        self.command.push((ran.end - ran.start).as_secs_f64());
        self.after_start.push((honoured - ran.start).as_secs_f64());
        self.after_end.push((honoured - ran.end).as_secs_f64());
    }
}

fn cells(what: &str, times: &[f64], target: Option<f64>) -> [String; 7] {
    let parts = [500, 900, 990, 1000].map(|thousandths| part(times.to_vec(), thousandths));
    let [p50, p90, p99, max] = parts.map(|time| MILLISECONDS.show(time));
    let limit = target.map(|target| MILLISECONDS.show(target)).unwrap_or_default();
    [what.to_owned(), p50, p90, p99, max, limit, met(parts[3], target)]
}
