//! Serving the keys of a PostgreSQL database from memory: requests, loading, memory, and the delay of a change.
//!
//! It starts a server of its own. `KEYGATE_BENCH_QUICK=1` makes the rounds few,
//! `KEYGATE_BENCH_KEYS` replaces the number of keys, and with `KEYGATE_BENCH_MIXED=1` the keys are not in the order of
//! their clients.

use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use keygate::key::KeyState;
use keygate::store::{PostgresStore, Replica};
use keygate::{KeyDigest, LocalKeyStore};
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection};
use tokio::runtime::Runtime;

use servers::{Postgres, query};
use support::allocator;
use support::effort::Effort;
use support::figures::part;
use support::keys::{key, name};
use support::rounds::Rounds;
use support::stores::store;
use support::table::{Table, Unit, met};
use support::{child, memory};

mod requests;
#[path = "../../tests/servers/mod.rs"]
mod servers;
#[path = "../support"]
mod support {
    #[path = "../../tests/common/allocator.rs"]
    pub(crate) mod allocator;
    pub(crate) mod child;
    pub(crate) mod clock;
    pub(crate) mod drive;
    pub(crate) mod effort;
    pub(crate) mod figures;
    pub(crate) mod keys;
    pub(crate) mod memory;
    pub(crate) mod probes;
    pub(crate) mod rounds;
    pub(crate) mod stores;
    pub(crate) mod table;
}

type Failure = Box<dyn Error>;

const MILLISECONDS: Unit = Unit("ms", 1.0, 1);
const BYTES: Unit = Unit("B", 1.0, 0);

const REPLICA: &str = "replica";
const MEMORY: &str = "MemoryStore";

fn main() -> Result<(), Failure> {
    if let Some([subject, of]) = child::task() {
        return if subject == requests::TASK {
            requests::measure(&of)
        } else {
            weigh(&subject, &of)
        };
    }
    let effort = Effort::of_this_run();
    let keys = match env::var("KEYGATE_BENCH_KEYS") {
        Ok(keys) => keys.parse()?,
        Err(_) => effort.pick(1_000, 1_000_000, 1_000_000),
    };
    let server = Postgres::start();
    let runtime = Runtime::new()?;
    runtime.block_on(fill(&server, keys))?;
    loading(effort, keys, &server, &runtime)?;
    weights(keys, &server)?;
    requests::compare(effort, keys, &server)?;
    let replica = runtime.block_on(Replica::connect(&server.url()))?;
    changes(effort, keys, &server, &replica, &runtime)
}

/// A client for each key, as in the other benches.
async fn fill(server: &Postgres, keys: u64) -> Result<(), Failure> {
    PostgresStore::migrate(&server.url()).await?;
    let mut sql = "copy keygate.clients (name) from stdin;\n".to_owned();
    for number in 0..keys {
        writeln!(sql, "{}", name(number))?;
    }
    sql += "\\.\ncopy keygate.keys (digest, client) from stdin;\n";
    // A prime, so that each key is picked once.
    let step = if env::var_os("KEYGATE_BENCH_MIXED").is_some() { 7_368_787 } else { 1 };
    for number in (0..keys).map(|number| number * step % keys) {
        let digest = KeyDigest::of(&key(number)).to_text();
        let digest = digest.strip_prefix("sha256:").ok_or("another algorithm")?;
        writeln!(sql, "\\\\x{digest}\t{}", name(number))?;
    }
    sql += "\\.\nanalyze;\n";
    query(&server.socket_url(), &sql)?;
    Ok(())
}

const BARE: &str = "bare reading";

fn loading(effort: Effort, keys: u64, server: &Postgres, runtime: &Runtime) -> Result<(), Failure> {
    let url = server.url();
    let mut connection = runtime.block_on(PgConnection::connect(&url))?;
    let mut rounds = Rounds::new();
    rounds.add(REPLICA, || {
        let start = Instant::now();
        let replica = runtime.block_on(Replica::connect(&url)).expect("the server runs");
        let took = start.elapsed();
        assert_eq!(replica.health().keys as u64, keys);
        drop(replica);
        // Waits until millions of profiles are freed, which must not be part of the next measurement.
        while follows() {
            thread::sleep(Duration::from_millis(1));
        }
        took.as_secs_f64() * 1e3
    });
    rounds.add(BARE, || {
        let start = Instant::now();
        let rows = runtime.block_on(bare(&mut connection)).expect("the server runs");
        assert_eq!(rows, 2 * keys);
        start.elapsed().as_secs_f64() * 1e3
    });
    let figures = rounds.run(effort.pick(1, 3, 9));
    let mut table = Table::of_ratios();
    let target = (effort != Effort::Smoke).then_some(2.0);
    table.compare("loading", MILLISECONDS, &figures, [REPLICA, BARE], target);
    table.print(&format!("start of a replica of {keys} keys / the driver's reading of its rows"));
    Ok(())
}

/// Whether a thread of this process follows a database.
fn follows() -> bool {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let mut names = threads.map(|thread| fs::read_to_string(thread.path().join("comm")));
    names.any(|name| name.is_ok_and(|name| name.trim_end() == "keygate-replica"))
}

/// Reads the rows of a replica, and ignores them.
async fn bare(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let mut rows = 0;
    for table in [
        "select name, enabled, scopes, quota::text, metadata::text, title, networks \
         from keygate.clients",
        "select digest, algorithm, client, expires, revoked, replaced_by, not_before, scopes, \
         networks from keygate.keys",
    ] {
        let count = |_: PgRow| {
            rows += 1;
            Ok(())
        };
        sqlx::query(table).try_map(count).fetch_all(&mut *connection).await?;
    }
    Ok(rows)
}

/// The memory of a replica of a database, or of a store with this many keys, in its own process: at rest and at its
/// peak.
fn weigh(subject: &str, of: &str) -> Result<(), Failure> {
    let before = memory::of_this_process("VmRSS");
    allocator::start();
    let runtime = Runtime::new()?;
    let store: Box<dyn LocalKeyStore> = if subject == REPLICA {
        Box::new(runtime.block_on(Replica::connect(of))?)
    } else {
        Box::new(store(of.parse()?))
    };
    let peak = memory::of_this_process("VmHWM");
    let held = memory::of_this_process("VmRSS");
    child::report(&[allocator::in_use(), held - before, peak - before]);
    drop(store);
    Ok(())
}

fn weights(keys: u64, server: &Postgres) -> Result<(), Failure> {
    let url = server.url();
    let replica = child::run::<3>([REPLICA, &url])?;
    let memory = child::run::<3>([MEMORY, &keys.to_string()])?;
    let mut table = Table::new(&["what", "replica", "MemoryStore", "ratio", "target", "met"]);
    // The size of a store is far below 2^53.
    #[allow(clippy::cast_precision_loss)]
    let count = keys as f64;
    // The peak of a replica is compared with a store at rest.
    let rows = [
        ("requested", replica[0], memory[0], 1.3),
        ("resident", replica[1], memory[1], 1.3),
        ("resident at its peak / at rest", replica[2], memory[1], 1.3),
    ];
    for (what, ours, yardstick, target) in rows {
        let target = (keys >= 100_000).then_some(target);
        let ratio = ours / yardstick;
        table.row([
            what.to_owned(),
            BYTES.show(ours / count),
            BYTES.show(yardstick / count),
            format!("{ratio:.2}"),
            target.map_or_else(String::new, |target| format!("{target:.2}")),
            met(ratio, target),
        ]);
    }
    table.print(&format!("memory for each of {keys} keys"));
    Ok(())
}

fn changes(
    effort: Effort,
    keys: u64,
    server: &Postgres,
    replica: &Replica,
    runtime: &Runtime,
) -> Result<(), Failure> {
    let mut connection = runtime.block_on(PgConnection::connect(&server.url()))?;
    let mut delays = Vec::new();
    for number in 0..effort.pick(5, 200, 1_000).min(keys) {
        let digest = KeyDigest::of(&key(number));
        let revoke = sqlx::query("update keygate.keys set revoked = now() where digest = $1");
        let bytes = digest.to_bytes();
        runtime.block_on(revoke.bind(&bytes[..]).execute(&mut connection))?;
        let committed = Instant::now();
        let state = || Ok::<_, Failure>(replica.find(&digest)?.map(|record| record.state()));
        while state()? != Some(KeyState::Revoked) {
            thread::sleep(Duration::from_micros(50));
        }
        delays.push(committed.elapsed().as_secs_f64() * 1e3);
    }
    let mut table = Table::new(&["what", "median", "p99", "longest", "target", "met"]);
    let [median, p99, longest] = [500, 990, 1000].map(|part_of| part(delays.clone(), part_of));
    let cells = [median, p99, longest].map(|delay| MILLISECONDS.show(delay));
    let target = MILLISECONDS.show(50.0);
    let row = ["a revoke".to_owned()].into_iter().chain(cells);
    table.row(row.chain([target, met(p99, Some(50.0))]));
    table.print(&format!("from the answer to a change until a replica of {keys} keys knows it"));
    Ok(())
}
