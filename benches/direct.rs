//! What it costs to ask a database directly: ours beside the driver that runs the same query.
//!
//! `KEYGATE_BENCH_QUICK=1` makes the rounds few and short.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use keygate::{KeyDigest, KeyStore, ManageKeys, NewKey, PostgresStore, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection};
use tokio::runtime::Runtime;

use servers::Postgres;
use support::clock::nanoseconds;
use support::effort::Effort;
use support::keys::{key, mix};
use support::rounds::Rounds;
use support::table::{Table, Unit};

#[path = "../tests/servers/mod.rs"]
mod servers;

mod support {
    #[expect(dead_code, reason = "what waits for a database is measured by the time that passes")]
    pub(crate) mod clock;
    pub(crate) mod effort;
    pub(crate) mod figures;
    #[expect(dead_code, reason = "ten keys share a client")]
    pub(crate) mod keys;
    pub(crate) mod rounds;
    pub(crate) mod table;
}

const MICROSECONDS: Unit = Unit("us", 1e3, 1);

/// The most that a lookup may cost, in those of the driver.
const TARGET: f64 = 1.2;

const SQLITE: &str = "SqliteStore, known key";
const SQLITE_UNKNOWN: &str = "SqliteStore, unknown key";
const SQLITE_DRIVER: &str = "sqlx on SQLite, one connection";
const SQLITE_RECORD: &str = "select k.digest, k.algorithm, k.expires, k.revoked, \
    c.name, c.enabled, c.scopes, c.quota, c.metadata \
    from keygate_keys k left join keygate_clients c on c.name = k.client where k.digest = ?1";

const POSTGRES: &str = "PostgresStore, known key";
const POSTGRES_UNKNOWN: &str = "PostgresStore, unknown key";
const POSTGRES_DRIVER: &str = "sqlx on PostgreSQL, one connection";
const POSTGRES_RECORD: &str = "select k.digest, k.algorithm, k.expires::text, k.revoked::text, \
    c.name, c.enabled, c.scopes, c.quota::text, c.metadata::text \
    from keygate.keys k left join keygate.clients c on c.name = k.client where k.digest = $1";

fn main() -> Result<(), Box<dyn Error>> {
    let effort = Effort::of_this_run();
    let size = effort.pick(10, 1_000, 1_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    sqlite(effort, size, &runtime)?;
    postgres(effort, size, &runtime)
}

fn rounds(effort: Effort) -> usize {
    effort.pick(1, 7, 31)
}

fn count(effort: Effort) -> u64 {
    effort.pick(10, 2_000, 5_000)
}

fn digest(number: u64) -> KeyDigest {
    KeyDigest::of(&key(number))
}

fn sqlite(effort: Effort, size: u64, runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    let folder = Folder::new()?;
    let path = folder.0.join("keys.db");
    let store = runtime.block_on(SqliteStore::migrate(&path))?;
    runtime.block_on(fill(&store, size))?;
    let count = count(effort);
    let mut driver = runtime.block_on(plain_sqlite(&path))?;

    let mut subjects = Rounds::new();
    subjects.add(SQLITE, || runtime.block_on(lookups(&store, count, size, 0)));
    subjects.add(SQLITE_UNKNOWN, || runtime.block_on(lookups(&store, count, size, size)));
    subjects.add(SQLITE_DRIVER, || {
        runtime.block_on(async {
            let start = Instant::now();
            for turn in 0..count {
                let row = sqlx::query(SQLITE_RECORD)
                    .bind(digest(mix(turn) % size).to_bytes().to_vec())
                    .fetch_optional(&mut driver)
                    .await;
                let row = row.expect("the driver answers").expect("the key is known");
                assert_eq!(row.get::<&[u8], _>(0).len(), 32);
            }
            per_lookup(start, count)
        })
    });
    let figures = subjects.run(rounds(effort));
    let mut table = Table::of_ratios();
    for ours in [SQLITE, SQLITE_UNKNOWN] {
        let name = format!("{ours} / {SQLITE_DRIVER}");
        table.compare(&name, MICROSECONDS, &figures, [ours, SQLITE_DRIVER], TARGET);
    }
    table.print(&format!("a lookup in SQLite; keys: {size}"));
    Ok(())
}

async fn plain_sqlite(path: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new().filename(path).disable_statement_logging().connect().await
}

fn postgres(effort: Effort, size: u64, runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    let server = Postgres::start();
    let url = server.url();
    let store = runtime.block_on(PostgresStore::migrate(&url))?;
    runtime.block_on(fill(&store, size))?;
    let count = count(effort);
    let mut driver = runtime.block_on(PgConnection::connect(&url))?;

    let mut subjects = Rounds::new();
    subjects.add(POSTGRES, || runtime.block_on(lookups(&store, count, size, 0)));
    subjects.add(POSTGRES_UNKNOWN, || runtime.block_on(lookups(&store, count, size, size)));
    subjects.add(POSTGRES_DRIVER, || {
        runtime.block_on(async {
            let start = Instant::now();
            for turn in 0..count {
                let row = sqlx::query(POSTGRES_RECORD)
                    .bind(digest(mix(turn) % size).to_bytes().to_vec())
                    .fetch_optional(&mut driver)
                    .await;
                let row = row.expect("the driver answers").expect("the key is known");
                assert_eq!(row.get::<&[u8], _>(0).len(), 32);
            }
            per_lookup(start, count)
        })
    });
    let figures = subjects.run(rounds(effort));
    let mut table = Table::of_ratios();
    for ours in [POSTGRES, POSTGRES_UNKNOWN] {
        let name = format!("{ours} / {POSTGRES_DRIVER}");
        table.compare(&name, MICROSECONDS, &figures, [ours, POSTGRES_DRIVER], TARGET);
    }
    table.print(&format!("a lookup in PostgreSQL over TCP; keys: {size}"));
    Ok(())
}

/// Adds so many keys, ten to a client.
async fn fill(store: &impl ManageKeys, size: u64) -> Result<(), Box<dyn Error>> {
    for number in 0..size {
        let client = format!("Client {}", number / 10);
        if number % 10 == 0 {
            store.add_client(client.as_str().into()).await?;
        }
        store.issue(&client, NewKey::new(digest(number))).await?;
    }
    Ok(())
}

/// Nanoseconds for each of so many lookups of keys, which are known from zero on and unknown from
/// `size` on.
async fn lookups(store: &impl KeyStore, count: u64, size: u64, first: u64) -> f64 {
    let start = Instant::now();
    for turn in 0..count {
        let record = store.lookup(digest(first + mix(turn) % size)).await;
        assert_eq!(record.expect("the store answers").is_some(), first == 0);
    }
    per_lookup(start, count)
}

#[allow(clippy::cast_precision_loss)] // Of some thousands.
fn per_lookup(start: Instant, count: u64) -> f64 {
    nanoseconds(start.elapsed()) / count as f64
}

/// A folder that is removed with all that is in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let name = format!("keygate-direct-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
