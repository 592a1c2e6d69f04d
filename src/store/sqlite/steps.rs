//! The work of SQLite for a page of a long list: the indexes that it reads, and the steps of its virtual machine beside
//! those for a short list.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tempfile::tempdir;

use super::SqliteStore;
use super::connections::Connections;
use crate::key::KeyId;
use crate::manage::{ClientQuery, KeyQuery, KeySort, KeyStatus, ManageKeys as _};
use crate::store::sql::{Database as _, Transaction as _, Values as _, key_statement};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const SIZES: [usize; 2] = [3_000, 30_000];

/// Each filter selects a fraction of the keys (a third, or two sevenths), or about fifty keys of each list.
const FILL: &str = "
    with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < SIZE / 10 - 1)
    insert into keygate_clients (name, enabled, scopes)
    select printf('Client %06d', n), n % (SIZE / 50) <> 7, iif(n % 4, '[]', json_array('orders:*')) from numbers;
    with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < SIZE - 1)
    insert into keygate_keys (digest, client, label, created, expires, revoked, replaced_by, not_before)
    select randomblob(32), printf('Client %06d', n / 10), iif(n % 3, 'Label ' || n, 'Production'),
        strftime('%Y-%m-%dT%H:%M:%SZ', 'now', -n || ' minutes'),
        case when n % (SIZE / 50) = 1 then strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 day')
            when n % (SIZE / 50) = 2 then strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '1 day')
            when n % 7 < 2 then strftime('%Y-%m-%dT%H:%M:%SZ', 'now', (100 + n % 1000) || ' days') end,
        iif(n % (SIZE / 50) = 3, '2026-01-01T00:00:00Z', null), iif(n % (SIZE / 50) = 4, '0123456789abcdef', null),
        iif(n % (SIZE / 50) = 5, strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '1 day'), null)
    from numbers;
";

/// A store, and a counter of the steps of its only reading connection.
struct Measured {
    store: SqliteStore,
    steps: Arc<AtomicU64>,
}

impl Measured {
    async fn filled(folder: &Path, size: usize) -> Self {
        let options = SqliteStore::options(folder.join(format!("{size}.db")));
        let store = options.with_max_connections(1).migrate().await.unwrap();
        let mut filling = store.connections.begin_writing().await.unwrap();
        let fill = FILL.replace("SIZE", &size.to_string());
        filling.connection().run(&fill).await.unwrap();
        filling.commit().await.unwrap();

        let steps = count_steps(&store.connections).await;
        Self { store, steps }
    }

    /// The steps of a page, which must not be empty.
    async fn of_keys(&self, query: &KeyQuery) -> u64 {
        self.steps.store(0, Ordering::Relaxed);
        assert!(!self.store.keys(query).await.unwrap().found.is_empty(), "{query:?}");
        self.steps.load(Ordering::Relaxed)
    }

    async fn of_clients(&self, query: &ClientQuery) -> u64 {
        self.steps.store(0, Ordering::Relaxed);
        assert!(!self.store.clients(query).await.unwrap().found.is_empty(), "{query:?}");
        self.steps.load(Ordering::Relaxed)
    }

    /// The plan of the page behind a cursor.
    async fn plan(&self, query: &KeyQuery) -> String {
        let mut transaction = self.store.read().await.unwrap();
        let after = query.position().unwrap();
        let statement = key_statement(&mut transaction, query, after, SystemTime::now());
        let (sql, values) = statement.await.unwrap();
        let plan = transaction.rows(&format!("explain query plan {sql}"), &values).await.unwrap();
        let lines = plan.iter().map(|line| line.text(3).unwrap().unwrap_or_default());
        lines.collect::<Vec<_>>().join("; ")
    }

    async fn ids(&self) -> Vec<KeyId> {
        let page = self.store.keys(&KeyQuery::new().with_limit(500)).await.unwrap();
        page.found.iter().map(|key| key.key_id).collect()
    }
}

/// Counts the steps of a reading connection, which all later reads use if there is one at a time.
pub(super) async fn count_steps(connections: &Connections) -> Arc<AtomicU64> {
    let steps = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&steps);
    let mut reader = connections.reader().await.unwrap();
    let mut sqlite = reader.sqlite().unwrap().lock_handle().await.unwrap();
    sqlite.set_progress_handler(1, move || {
        counter.fetch_add(1, Ordering::Relaxed);
        true
    });
    steps
}

/// Checks that a page of ten times as many rows takes at most twice the steps.
#[track_caller]
pub(super) fn compare([short, long]: [u64; 2], query: &impl Debug) {
    assert!((1..=2 * short).contains(&long), "{long} steps instead of {short}: {query:?}");
}

/// An entry of an index is next to the one before, and a row is anywhere in the file.
#[tokio::test]
async fn only_rows_of_the_page_are_read() {
    let folder = tempdir().unwrap();
    let list = Measured::filled(folder.path(), 6_000).await;
    let ids = list.ids().await;
    let keys = KeyQuery::new;
    let expiring = || keys().expiring_within(1200 * DAY);
    let [created, expires] =
        [KeySort::Created, KeySort::Expires].map(|sort| keys().sorted_by(sort));
    for (index, query) in [
        ("by_client", keys()),
        ("by_client", keys().descending()),
        ("by_client", keys().with_client("Client 000150")),
        ("by_client", keys().except(ids.iter().copied())),
        ("by_client", expiring()),
        ("by_client", keys().with_scope("orders:read".parse().unwrap())),
        ("by_expires", expiring().sorted_by(KeySort::Expires)),
        ("by_created", created.clone()),
        ("by_created", created.except(ids)),
        ("by_expires", expires),
        ("label", keys().with_label("Production")),
        ("revoked", keys().add_status(KeyStatus::Revoked)),
        ("without_expiry", keys().without_expiry()),
    ] {
        let first = list.plan(&query).await;
        let Some(after) = list.store.keys(&query.clone().with_limit(2)).await.unwrap().next else {
            panic!("{query:?} has one page");
        };
        let next = list.plan(&query.after(after)).await;
        for plan in [&first, &next] {
            let rows = plan.split_once("; SCAN p; SEARCH k USING PRIMARY KEY (digest=?)");
            let (found, _) = rows.unwrap_or_else(|| panic!("{plan}"));
            let index = format!(" k USING COVERING INDEX keygate_keys_{index}");
            assert!(found.contains(&index) && !found.contains("ORDER BY"), "{plan}");
        }
        // The index also finds the cursor, or the beginning of fewer keys.
        let begins = [",digest)", "(client=?)", "(stored_expires_order>?"];
        assert!(begins.iter().any(|begin| next.contains(begin)), "{next}");
    }
}

#[tokio::test]
async fn page_of_a_long_list_takes_few_steps() {
    let folder = tempdir().unwrap();
    let [short, long] = SIZES.map(|size| Measured::filled(folder.path(), size));
    let (short, long) = (short.await, long.await);
    let ids = [short.ids().await, long.ids().await];

    let keys = KeyQuery::new;
    let status = |status| keys().add_status(status);
    for query in [
        keys(),
        keys().descending(),
        keys().with_client("Client 000150"),
        keys().with_search("prod"),
        keys().with_label("Production"),
        keys().with_label("Label 2905"),
        keys().with_scope("orders:read".parse().unwrap()),
        keys().without_expiry(),
        keys().expiring_within(2 * DAY),
        keys().expiring_within(1200 * DAY),
        status(KeyStatus::Active),
        status(KeyStatus::Expired),
        status(KeyStatus::Revoked),
        status(KeyStatus::Replaced),
        status(KeyStatus::Disabled),
        status(KeyStatus::NotYetValid),
    ] {
        for sort in [KeySort::Client, KeySort::Created, KeySort::Expires] {
            let query = query.clone().sorted_by(sort);
            compare([short.of_keys(&query).await, long.of_keys(&query).await], &query);
        }
    }
    for sort in [KeySort::Client, KeySort::Created, KeySort::Expires] {
        let query = |ids: &[KeyId]| keys().sorted_by(sort).only(ids.iter().copied());
        let steps = [short.of_keys(&query(&ids[0])).await, long.of_keys(&query(&ids[1])).await];
        compare(steps, &("500 ids", sort));
        let query = |ids: &[KeyId]| keys().sorted_by(sort).except(ids.iter().copied());
        let steps = [short.of_keys(&query(&ids[0])).await, long.of_keys(&query(&ids[1])).await];
        compare(steps, &("without 500 ids", sort));
    }
    let clients = ClientQuery::new;
    for query in [clients(), clients().with_search("client 0002"), clients().with_enabled(false)] {
        compare([short.of_clients(&query).await, long.of_clients(&query).await], &query);
    }
}
