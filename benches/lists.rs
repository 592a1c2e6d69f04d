//! The time of a page of 50 rows out of 1,000,000 keys, compared with one out of 1,000, in both databases.
//!
//! `KEYGATE_BENCH_QUICK=1` compares 2,000 keys with 1,000 and makes the rounds few.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use keygate::ManageKeys;
use keygate::manage::{ClientQuery, KeyQuery, KeySort, KeyStatus, Page};
use keygate::store::{PostgresStore, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, raw_sql};
use tokio::runtime::Runtime;

use servers::Postgres;
use support::clock::nanoseconds;
use support::effort::Effort;
use support::rounds::Rounds;
use support::table::{Table, Unit};

#[path = "../tests/servers/mod.rs"]
mod servers;

mod support {
    #[expect(dead_code, reason = "what waits for a database is measured by the time that passes")]
    pub(crate) mod clock;
    pub(crate) mod effort;
    pub(crate) mod figures;
    pub(crate) mod rounds;
    pub(crate) mod table;
}

const MILLISECONDS: Unit = Unit("ms", 1e6, 2);

/// The highest allowed ratio of a page of the long list to one of the short list.
const TARGET: f64 = 2.0;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Ten keys to a client; one client of ten is disabled. Fifty keys are not yet valid. The time of issue decreases with
/// the number, and seven of ten keys expire between 300 days ago and 700 days from now. `first` and `last` are the
/// bounds of the numbers `n`.
const POSTGRES: [&str; 3] = [
    "insert into keygate.clients (name, scopes, metadata, enabled) \
     select 'Client ' || lpad(n::text, 6, '0'), case n % 4 when 0 then '{orders:read}' else '{stock:*}' end::text[], \
     jsonb_build_object('team', (n % 2)::text), n % 10 <> 7 from generate_series(0, SIZE / 10 - 1) n",
    "insert into keygate.keys (digest, client, label, created, expires, revoked, replaced_by, not_before) \
     select sha256(n::text::bytea), 'Client ' || lpad((n / 10)::text, 6, '0'), \
     case n % 3 when 0 then 'Production' when 1 then 'Staging' else 'Label ' || n end, \
     now() - n * interval '1 minute', \
     case when n % 10 > 2 then now() + (n * 7 % 1000 - 300) * interval '1 day' end, \
     case when n % 20 = 0 then now() end, case when n % 7 = 1 then '0123456789abcdef' end, \
     case when n % (SIZE / 50) = 1 then now() + interval '90 days' end from generate_series(0, SIZE - 1) n",
    "analyze keygate.clients, keygate.keys",
];
const SQLITE: [&str; 2] = [
    "with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < SIZE / 10 - 1) \
     insert into keygate_clients (name, scopes, metadata, enabled) \
     select printf('Client %06d', n), case n % 4 when 0 then '[\"orders:read\"]' else '[\"stock:*\"]' end, \
     json_object('team', cast(n % 2 as text)), n % 10 <> 7 from numbers",
    "with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < SIZE - 1) \
     insert into keygate_keys (digest, client, label, created, expires, revoked, replaced_by, not_before) \
     select randomblob(32), printf('Client %06d', n / 10), \
     case n % 3 when 0 then 'Production' when 1 then 'Staging' else 'Label ' || n end, \
     strftime('%Y-%m-%dT%H:%M:%SZ', 'now', -n || ' minutes'), \
     case when n % 10 > 2 then strftime('%Y-%m-%dT%H:%M:%SZ', 'now', (n * 7 % 1000 - 300) || ' days') end, \
     case when n % 20 = 0 then strftime('%Y-%m-%dT%H:%M:%SZ', 'now') end, \
     case when n % 7 = 1 then '0123456789abcdef' end, \
     case when n % (SIZE / 50) = 1 then strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '90 days') end from numbers",
];

fn main() -> Result<(), Box<dyn Error>> {
    let effort = Effort::of_this_run();
    let sizes = [1_000, effort.pick(2_000, 1_000_000, 1_000_000)];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;

    let folder = tempfile::tempdir()?;
    let [few, many] = sizes.map(|size| runtime.block_on(sqlite(folder.path(), size)));
    show("SQLite", sizes, [&few?, &many?], &runtime, effort);

    let [few, many] = [Postgres::start(), Postgres::start()];
    let stores = [(&few, sizes[0]), (&many, sizes[1])];
    let [few, many] = stores.map(|(server, size)| runtime.block_on(postgres(server, size)));
    show("PostgreSQL", sizes, [&few?, &many?], &runtime, effort);
    Ok(())
}

async fn sqlite(folder: &Path, size: usize) -> Result<SqliteStore, Box<dyn Error>> {
    let path = folder.join(format!("{size}.db"));
    let store = SqliteStore::migrate(&path).await?;
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await?;
    for sql in SQLITE {
        let sql = sql.replace("SIZE", &size.to_string());
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(store)
}

async fn postgres(server: &Postgres, size: usize) -> Result<PostgresStore, Box<dyn Error>> {
    let store = PostgresStore::migrate(&server.url()).await?;
    for sql in POSTGRES {
        server.psql(&sql.replace("SIZE", &size.to_string()));
    }
    Ok(store)
}

/// A page of 50 rows, with its name.
enum Query {
    Clients(&'static str, ClientQuery),
    Keys(&'static str, KeyQuery),
}

/// The queries of a list with this number of keys. One of them begins in the middle.
async fn queries(store: &impl ManageKeys, size: usize) -> Vec<Query> {
    use Query::{Clients, Keys};
    let keys = KeyQuery::new;
    let client = format!("Client {:06}", size / 20);
    let middle = keys().with_client(&client).with_limit(1);
    let middle = store.keys(&middle).await.expect("a page").next.expect("another page");
    let ids = store.keys(&keys().with_limit(1_000)).await.expect("a page").found;
    let ids: Vec<_> = ids.iter().map(|key| key.key_id).take(size / 2).collect();
    let id = ids[ids.len() / 2].to_string();
    let scope = "orders:read".parse().expect("a scope");
    // The same number of keys in both lists: about 35.
    let few = if size > 2_000 { "label 9051" } else { "label 9" };
    vec![
        Keys("first page", keys()),
        Keys("page in the middle", keys().after(middle)),
        Keys("last page", keys().descending()),
        Keys("newest", keys().sorted_by(KeySort::Created).descending()),
        Keys("by expiry", keys().sorted_by(KeySort::Expires)),
        Keys(
            "expiring within 100 days",
            keys().sorted_by(KeySort::Expires).expiring_within(100 * DAY),
        ),
        Keys("expiring within 100 days, by client", keys().expiring_within(100 * DAY)),
        Keys("without expiry", keys().without_expiry()),
        Keys("of a client", keys().with_client(client)),
        Keys("active", keys().add_status(KeyStatus::Active)),
        Keys("replaced", keys().add_status(KeyStatus::Replaced)),
        Keys("disabled", keys().add_status(KeyStatus::Disabled)),
        Keys("expired", keys().add_status(KeyStatus::Expired)),
        Keys("revoked", keys().add_status(KeyStatus::Revoked)),
        Keys("not yet valid", keys().add_status(KeyStatus::NotYetValid)),
        Keys("label of a third", keys().with_label("Production")),
        Keys("label of one", keys().with_label("Label 905")),
        Keys("search for a third", keys().with_search("prod")),
        Keys("search for a few", keys().with_search(few)),
        Keys("search for an id", keys().with_search(&id[..8])),
        Keys("with a scope", keys().with_scope(scope)),
        Keys("500 of 1,000 ids", keys().only(ids.iter().copied())),
        Keys("without 500 ids", keys().except(ids)),
        Clients("clients", ClientQuery::new()),
        Clients("clients, search", ClientQuery::new().with_search("client 00")),
        // The short list has no more keys.
        Clients("clients, 10 disabled", ClientQuery::new().with_enabled(false).with_limit(10)),
        Clients("clients, metadata", ClientQuery::new().add_metadata("team", "1")),
    ]
}

impl Query {
    fn name(&self) -> &'static str {
        match self {
            Self::Clients(name, _) | Self::Keys(name, _) => name,
        }
    }

    /// Reads the page, and returns the number of its rows.
    async fn read(&self, store: &impl ManageKeys) -> usize {
        match self {
            Self::Clients(_, query) => count(&store.clients(query).await.expect("a page")),
            Self::Keys(_, query) => count(&store.keys(query).await.expect("a page")),
        }
    }

    /// Reads the page, and returns the nanoseconds that it takes.
    async fn time(&self, store: &impl ManageKeys) -> f64 {
        let start = Instant::now();
        self.read(store).await;
        nanoseconds(start.elapsed())
    }
}

fn count<T>(page: &Page<T>) -> usize {
    assert!(!page.found.is_empty() && page.unreadable.is_empty());
    page.found.len()
}

fn show<S: ManageKeys>(
    database: &str,
    sizes: [usize; 2],
    stores: [&S; 2],
    runtime: &Runtime,
    effort: Effort,
) {
    let lists = [0, 1].map(|index| runtime.block_on(queries(stores[index], sizes[index])));
    let mut subjects = Rounds::new();
    let mut names = Vec::new();
    for (short, long) in lists[0].iter().zip(&lists[1]) {
        let rows = [(short, 0), (long, 1)];
        let rows = rows.map(|(query, list)| runtime.block_on(query.read(stores[list])));
        // Otherwise, a page with fewer rows would be compared with a full one.
        assert_eq!(rows[0], rows[1], "{}", short.name());
        let pair = sizes.map(|size| &*format!("{}, {size}", short.name()).leak());
        names.push((short.name(), [pair[1], pair[0]]));
        subjects.add(pair[0], move || runtime.block_on(short.time(stores[0])));
        subjects.add(pair[1], move || runtime.block_on(long.time(stores[1])));
    }
    let figures = subjects.run(effort.pick(3, 21, 101));
    let mut table = Table::of_ratios();
    for (name, pair) in names {
        table.compare(name, MILLISECONDS, &figures, pair, TARGET);
    }
    table.print(&format!("a page in {database}, out of {} keys and {}", sizes[1], sizes[0]));
}
