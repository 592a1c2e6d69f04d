//! The plans of pages of long lists, as `auto_explain` logs them.

use std::time::Duration;

use keygate::ManageKeys as _;
use keygate::manage::{ClientQuery, KeyQuery, KeySort, KeyStatus};
use keygate::store::PostgresStore;

use crate::servers::Postgres;

const KEYS: u64 = 30_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Each filter selects a fraction of the keys (a third, or two sevenths), or about fifty keys.
const FILL: &str = "
    set session_replication_role = replica;
    insert into keygate.clients (name, enabled)
    select 'Client ' || lpad(n::text, 6, '0'), n % 600 <> 7 from generate_series(0, 2999) n;
    insert into keygate.keys (digest, client, label, created, expires, revoked, replaced_by, not_before)
    select sha256(n::text::bytea), 'Client ' || lpad((n / 10)::text, 6, '0'),
        case n % 3 when 0 then 'Production' else 'Label ' || n end, now() - n * interval '1 minute',
        case when n % 600 = 1 then now() - interval '1 day' when n % 600 = 2 then now() + interval '1 day'
            when n % 7 < 2 then now() + (100 + n % 1000) * interval '1 day' end,
        case when n % 600 = 3 then now() end, case when n % 600 = 4 then '0123456789abcdef' end,
        case when n % 600 = 5 then now() + interval '1 day' end
    from generate_series(0, 29999) n;
    analyze keygate.clients, keygate.keys;
";

const EXPLAIN: [&str; 5] = [
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_analyze = on",
    "auto_explain.log_timing = off",
    "plan_cache_mode = force_custom_plan",
];

fn queries() -> Vec<KeyQuery> {
    let keys = KeyQuery::new;
    let status = |status| keys().add_status(status);
    vec![
        keys(),
        keys().descending(),
        keys().with_client("Client 001500"),
        keys().with_search("prod"),
        keys().with_search("label 2905"),
        keys().with_search("0123"),
        keys().with_label("Production"),
        keys().with_label("Label 29054"),
        keys().without_expiry(),
        keys().expiring_within(2 * DAY),
        keys().expiring_within(1200 * DAY),
        status(KeyStatus::Active),
        status(KeyStatus::Expired),
        status(KeyStatus::Revoked),
        status(KeyStatus::Replaced),
        status(KeyStatus::Disabled),
        status(KeyStatus::NotYetValid),
    ]
}

/// The maximum number of rows that a step of the plans in a log has read, including those that it filtered out.
fn most_rows(log: &str) -> u64 {
    let numbers = |marker: &'static str| {
        log.split(marker).skip(1).filter_map(|rest| {
            let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
            rest[..end].parse::<u64>().ok()
        })
    };
    numbers("(actual rows=").chain(numbers("Rows Removed by Filter: ")).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_of_a_long_list_reads_few_of_its_rows() {
    let server = Postgres::start();
    let database = server.database();
    PostgresStore::migrate(&database.url()).await.unwrap();
    database.psql(FILL);
    for setting in EXPLAIN {
        database.psql(&format!("alter database {} set {setting}", database.name()));
    }
    let store = PostgresStore::connect(&database.url()).await.unwrap();
    for query in queries() {
        for sort in [KeySort::Client, KeySort::Created, KeySort::Expires] {
            let query = query.clone().sorted_by(sort);
            let before = server.log().len();
            let page = store.keys(&query).await.unwrap();
            assert!(!page.found.is_empty(), "{query:?}");
            check(&server, before, &format!("{query:?}"));
        }
    }
    let clients = ClientQuery::new;
    for query in [clients(), clients().with_search("client 00299"), clients().with_enabled(false)] {
        let before = server.log().len();
        assert!(!store.clients(&query).await.unwrap().found.is_empty());
        check(&server, before, &format!("{query:?}"));
    }
}

fn check(server: &Postgres, before: usize, query: &str) {
    let log = server.log().split_off(before);
    assert!(log.contains("Query Text: "), "{query} has no plan: {log}");
    assert!(most_rows(&log) < KEYS / 5, "{query}: {log}");
}
