//! The work of SQLite for the usage of a few clients, beside that for a short history.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::tempdir;

use super::UsageFile;
use crate::store::sql::{read_clients_by_last_use, read_counts, read_last_uses_of};
use crate::store::sqlite::steps::{compare, count_steps};
use crate::store::usage::{ClientUse, CountsQuery, Group};

const DAY: u64 = 86_400;
/// A midnight.
const TODAY: u64 = 20_000 * DAY;

/// Each client has requests in each of the last ten hours and days, and in forty minutes.
const FILL: &str = "
    create temp table clients as
    with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < SIZE - 1)
    select n, printf('Client %06d', n) as name from numbers;
    create temp table starts as
    with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < 39)
    select 60 as seconds, TODAY + 60 * n as start from numbers
    union all select 3600, TODAY - 3600 * n from numbers where n < 10
    union all select 86400, TODAY - 86400 * n from numbers where n < 10;
    insert into keygate_usage_counts
    select seconds, start, name, printf('%016x', n), 'admitted', 1 from clients, starts;
    insert into keygate_usage_last select name, printf('%016x', n), TODAY + n from clients;
";

struct Measured {
    file: UsageFile,
    steps: Arc<AtomicU64>,
}

impl Measured {
    async fn filled(folder: &Path, size: usize) -> Self {
        let file = UsageFile::open(&folder.join(format!("{size}.db")), true).await.unwrap();
        let mut writing = file.0.begin_writing().await.unwrap();
        let sql = FILL.replace("SIZE", &size.to_string()).replace("TODAY", &TODAY.to_string());
        writing.connection().run(&sql).await.unwrap();
        writing.commit().await.unwrap();
        let steps = count_steps(&file.0).await;
        Self { file, steps }
    }

    /// The steps of a query, which must find this number of rows.
    async fn of_counts(&self, query: &CountsQuery<'_>, rows: usize) -> u64 {
        self.steps.store(0, Ordering::Relaxed);
        assert_eq!(read_counts(&self.file, query).await.unwrap().len(), rows);
        self.steps.load(Ordering::Relaxed)
    }

    async fn of_page(&self, after: Option<&ClientUse>) -> u64 {
        self.steps.store(0, Ordering::Relaxed);
        assert_eq!(read_clients_by_last_use(&self.file, 20, after).await.unwrap().len(), 20);
        self.steps.load(Ordering::Relaxed)
    }

    async fn of_last_uses(&self, clients: &BTreeSet<String>) -> u64 {
        self.steps.store(0, Ordering::Relaxed);
        assert_eq!(read_last_uses_of(&self.file, clients).await.unwrap().len(), 20);
        self.steps.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn usage_of_a_few_clients_takes_few_steps() {
    let folder = tempdir().unwrap();
    let [short, long] = [200, 2_000].map(|size| Measured::filled(folder.path(), size));
    let (short, long) = (short.await, long.await);
    let clients: BTreeSet<_> = (100..120).map(|n| format!("Client {n:06}")).collect();
    for (group, rows) in [
        (Group::Client, 20),
        (Group::Key, 20),
        (Group::Time(60), 58),
        (Group::Time(3_600), 19),
        (Group::ClientTime(60), 20 * 58),
        (Group::ClientTime(3_600), 20 * 19),
    ] {
        for until in [None, Some(TODAY + DAY)] {
            let since = Some(TODAY - 20 * DAY);
            let query = CountsQuery { clients: Some(&clients), since, until, group };
            let steps = [short.of_counts(&query, rows).await, long.of_counts(&query, rows).await];
            compare(steps, &(rows, until));
        }
    }
    let after = ClientUse { client: "Client 000100".to_owned(), time: TODAY + 100 };
    for after in [None, Some(&after)] {
        compare([short.of_page(after).await, long.of_page(after).await], &("last uses", after));
    }
    let steps = [short.of_last_uses(&clients).await, long.of_last_uses(&clients).await];
    compare(steps, &"last uses of some");
}
