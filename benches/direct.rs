//! The cost of a lookup in a database, compared with the driver and the same query.
//!
//! `KEYGATE_BENCH_QUICK=1` makes the rounds few and short.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use keygate::store::{PostgresStore, SqliteStore};
use keygate::{ClientProfile, KeyDigest, KeyStore, ManageKeys, NewKey};
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, PgConnection, Row as _, SqliteConnection};
use tokio::runtime::Runtime;

use servers::Postgres;
use support::clock::nanoseconds;
use support::effort::Effort;
use support::keys::{key, mix};
use support::pin::to_one_processor;
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
    pub(crate) mod pin;
    pub(crate) mod rounds;
    pub(crate) mod table;
}

const MICROSECONDS: Unit = Unit("us", 1e3, 1);

/// The highest allowed ratio of a lookup to the driver's.
const TARGET: f64 = 1.2;

/// A kind of keys, and the names of the measurements of keygate and of the baseline.
type Subject = (&'static str, [&'static str; 2]);

/// Keys with a client that has only a name, keys with all details of key and client, and unknown keys.
const SQLITE: [Subject; 3] = [
    ("a key", ["SQLite, a key", "sqlx, a key"]),
    ("a key with all details", ["SQLite, details", "sqlx, details"]),
    ("an unknown key", ["SQLite, unknown", "sqlx, unknown"]),
];
const POSTGRES: [Subject; 3] = [
    ("a key", ["PostgreSQL, a key", "sqlx, a key"]),
    ("a key with all details", ["PostgreSQL, details", "sqlx, details"]),
    ("an unknown key", ["PostgreSQL, unknown", "sqlx, unknown"]),
];

/// The query of the store.
const SQLITE_QUERY: &str = "select k.digest, k.algorithm, k.client, k.expires, k.revoked, k.replaced_by, \
    k.not_before, k.scopes, k.networks, \
    c.name, c.enabled, c.scopes, c.quota, c.metadata, c.title, c.networks \
    from keygate_keys k left join keygate_clients c on c.name = k.client where k.digest = ?1";

fn main() -> Result<(), Box<dyn Error>> {
    let effort = Effort::of_this_run();
    let size = effort.pick(10, 1_000, 1_000);
    to_one_processor()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    sqlite(effort, size, &runtime)?;
    postgres(effort, size, &runtime)
}

fn rounds(effort: Effort) -> usize {
    effort.pick(1, 51, 401)
}

/// Few lookups per round, so that other work of the machine affects both sides of a ratio.
fn count(effort: Effort) -> u64 {
    effort.pick(10, 200, 200)
}

fn sqlite(effort: Effort, size: u64, runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("keys.db");
    let store = runtime.block_on(SqliteStore::migrate(&path))?;
    runtime.block_on(fill(&store, size))?;
    let lookups = Lookups { count: count(effort), size };
    runtime.block_on(assert_all_columns_are_read(&path))?;
    let drivers = SQLITE.map(|_| runtime.block_on(plain_sqlite(&path)));
    let mut subjects = Rounds::new();
    for ((place, (_, names)), driver) in SQLITE.iter().enumerate().zip(drivers) {
        let (store, mut driver) = (&store, driver?);
        subjects.add(names[0], move || runtime.block_on(lookups.of_store(store, place)));
        subjects.add(names[1], move || {
            runtime.block_on(lookups.of_driver(place, async |digest| {
                let query = sqlx::query(SQLITE_QUERY).bind(digest.to_vec());
                let row = query.fetch_optional(&mut driver).await;
                row.expect("the driver responds").map(|row| sqlite_columns(&row)).is_some()
            }))
        });
    }
    show(&format!("a lookup in SQLite; keys: {}", 2 * size), subjects, &SQLITE, effort);
    Ok(())
}

async fn plain_sqlite(path: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new().filename(path).disable_statement_logging().connect().await
}

/// Fails if the tables have a column that lookups need and [`SQLITE_QUERY`] lacks.
async fn assert_all_columns_are_read(path: &Path) -> sqlx::Result<()> {
    let needed = "select 'k.' || name from pragma_table_info('keygate_keys') \
        where name not in ('label', 'created', 'stored_created_order', 'stored_expires_order') \
        union all select 'c.' || name from pragma_table_info('keygate_clients')";
    let mut driver = plain_sqlite(path).await?;
    let mut needed: Vec<String> = sqlx::query_scalar(needed).fetch_all(&mut driver).await?;
    let columns = SQLITE_QUERY.strip_prefix("select ").and_then(|query| query.split_once(" from "));
    let mut read = columns.expect("a query").0.split(", ").collect::<Vec<_>>();
    needed.sort_unstable();
    read.sort_unstable();
    assert_eq!(read, needed);
    Ok(())
}

fn sqlite_columns(row: &SqliteRow) {
    black_box((row.get::<&[u8], _>(0), row.get::<&str, _>(1), row.get::<&str, _>(2)));
    black_box((row.get::<Option<&str>, _>(3), row.get::<Option<&str>, _>(4)));
    black_box((row.get::<Option<&str>, _>(5), row.get::<Option<&str>, _>(6)));
    black_box((row.get::<&str, _>(7), row.get::<&str, _>(8), row.get::<&str, _>(9)));
    black_box((row.get::<i64, _>(10), row.get::<&str, _>(11)));
    black_box((row.get::<Option<&str>, _>(12), row.get::<&str, _>(13)));
    black_box((row.get::<Option<&str>, _>(14), row.get::<&str, _>(15)));
}

fn postgres(effort: Effort, size: u64, runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    let server = Postgres::start();
    let store = runtime.block_on(PostgresStore::migrate(&server.url()))?;
    runtime.block_on(fill(&store, size))?;
    let lookups = Lookups { count: count(effort), size };
    runtime.block_on(store.lookup(digest(0)))?;
    // The driver runs the same query as the store.
    let last = "select query from pg_stat_activity \
        where query like '%k.digest = $1 left join%' and pid <> pg_backend_pid()";
    let query: &'static str = server.psql(last).leak();
    let drivers = POSTGRES.map(|_| runtime.block_on(plain_postgres(&server)));
    let mut subjects = Rounds::new();
    for ((place, (_, names)), driver) in POSTGRES.iter().enumerate().zip(drivers) {
        let (store, mut driver) = (&store, driver?);
        subjects.add(names[0], move || runtime.block_on(lookups.of_store(store, place)));
        subjects.add(names[1], move || {
            runtime.block_on(lookups.of_driver(place, async |digest| {
                let row = sqlx::query(query).bind(&digest[..]).fetch_one(&mut driver).await;
                postgres_columns(&row.expect("the driver responds"))
            }))
        });
    }
    show(&format!("a lookup in PostgreSQL; keys: {}", 2 * size), subjects, &POSTGRES, effort);
    Ok(())
}

async fn plain_postgres(server: &Postgres) -> sqlx::Result<PgConnection> {
    let options: PgConnectOptions = server.url().parse()?;
    options.disable_statement_logging().connect().await
}

fn postgres_columns(row: &PgRow) -> bool {
    assert_eq!(row.len(), 20, "all columns of the store are read below");
    black_box((row.get::<bool, _>(0), row.get::<&str, _>(1)));
    if !black_box(row.get::<bool, _>(2)) {
        return false;
    }
    black_box((row.get::<bool, _>(3), row.get::<&[u8], _>(4)));
    black_box((row.get::<&str, _>(5), row.get::<&str, _>(6)));
    black_box((row.get::<Option<&[u8]>, _>(7), row.get::<Option<&[u8]>, _>(8)));
    black_box((row.get::<Option<&str>, _>(9), row.get::<Option<&[u8]>, _>(10)));
    black_box((row.get::<Vec<String>, _>(11), row.get::<Vec<String>, _>(12)));
    black_box((row.get::<&str, _>(13), row.get::<bool, _>(14), row.get::<Vec<String>, _>(15)));
    black_box((row.get::<Option<&str>, _>(16), row.get::<&str, _>(17)));
    black_box((row.get::<Option<&str>, _>(18), row.get::<Vec<String>, _>(19)));
    true
}

fn show(title: &str, subjects: Rounds<'_>, all: &[Subject], effort: Effort) {
    let figures = subjects.run(rounds(effort));
    let mut table = Table::of_ratios();
    for (what, names) in all {
        table.compare(&format!("{what} / sqlx"), MICROSECONDS, &figures, *names, TARGET);
    }
    table.print(title);
}

fn digest(number: u64) -> KeyDigest {
    KeyDigest::of(&key(number))
}

/// Adds twice this number of keys, ten per client. The second half of keys and clients has all details.
async fn fill(store: &impl ManageKeys, size: u64) -> Result<(), Box<dyn Error>> {
    for number in 0..2 * size {
        let client = format!("Client {}", number / 10);
        if number % 10 == 0 {
            let mut profile = ClientProfile::new(&client);
            if number >= size {
                profile = profile
                    .with_title("Billing")
                    .with_networks(["10.0.0.0/8".parse()?])
                    .with_scopes(["orders:read".parse()?, "orders:write".parse()?])
                    .with_quota("100/minute".parse()?)
                    .with_metadata([("team", "billing"), ("contact", "ops@example.com")]);
            }
            store.add_client(profile).await?;
        }
        let mut new = NewKey::new(digest(number));
        if number >= size {
            new = new
                .with_scopes(["orders:read".parse()?])
                .with_networks(["10.1.0.0/16".parse()?])
                .with_not_before(SystemTime::UNIX_EPOCH + Duration::from_secs(3600))
                .with_expiry(SystemTime::now() + Duration::from_secs(24 * 3600));
        }
        store.issue(&client, new).await?;
    }
    Ok(())
}

/// `count` lookups of random keys below `size`.
#[derive(Clone, Copy)]
struct Lookups {
    count: u64,
    size: u64,
}

impl Lookups {
    /// Nanoseconds for each lookup.
    async fn of_store(self, store: &impl KeyStore, place: usize) -> f64 {
        let lookup = async |digest| store.lookup(digest).await.expect("a response").is_some();
        self.timed(place, lookup).await
    }

    async fn of_driver(self, place: usize, mut lookup: impl AsyncFnMut([u8; 32]) -> bool) -> f64 {
        self.timed(place, async |digest: KeyDigest| lookup(digest.to_bytes()).await).await
    }

    #[allow(clippy::cast_precision_loss)] // Of some thousands.
    async fn timed(self, place: usize, mut lookup: impl AsyncFnMut(KeyDigest) -> bool) -> f64 {
        let first = place as u64 * self.size;
        let start = Instant::now();
        for turn in 0..self.count {
            let is_known = lookup(digest(first + mix(turn) % self.size)).await;
            assert_eq!(is_known, place < 2);
        }
        nanoseconds(start.elapsed()) / self.count as f64
    }
}
