//! The documented tables and statements.

use keygate::{KeyDigest, ManageKeys as _, NewKey, WrongReason};

use crate::servers::Postgres;
use crate::store::{KEY, migrated, request, store_with_key};

const DOCS: &str = include_str!("../../../src/store/postgres/tables.md");

/// The key with the documented digest.
const DOCUMENTED: &str = "foo";

/// The statements after the line with this beginning.
fn documented(line: &str) -> &'static str {
    let (_, rest) = DOCS.split_once(&format!("\n{line}")).expect(line);
    let (_, rest) = rest.split_once("\n```sql\n").unwrap();
    rest.split_once("\n```").unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documented_statements_do_what_the_docs_say() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    database.psql(documented("A new client with a key"));
    let by = "select distinct actor, tool from keygate.events where client = 'App 9'";
    assert_eq!(database.psql(by), "ada|runbook 12");
    let client = request(&store, DOCUMENTED).await.unwrap();
    assert_eq!(client.name(), "App 9");
    assert_eq!(client.profile().quota().unwrap().to_string(), "100/minute, 20 at once");
    let digest = KeyDigest::of(b"a key that ends later");
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(15 * 24 * 60 * 60);
    store.issue("App 9", NewKey::new(digest).with_expiry(later)).await.unwrap();

    let expiring = database.psql(documented("Keys that expire within 14 days"));
    assert!(expiring.starts_with("App 9|2c26b46b68ffc68f|production|"), "{expiring}");
    assert_eq!(expiring.lines().count(), 1, "{expiring}");
    assert_eq!(database.psql(documented("Clients with the scope `orders:read`")), "App 9");
    assert_eq!(database.psql(documented("Clients of a team")), "App 9|2");
    assert_eq!(database.psql(documented("Who revoked a key")), "");

    database.psql(documented("Revoking a key"));
    let refused = request(&store, DOCUMENTED).await.unwrap_err();
    assert_eq!(refused.reason(), Some(WrongReason::Revoked));
    let clients = store.list_clients().await.unwrap();
    let enabled = clients.iter().map(|client| (client.profile.name(), client.enabled));
    assert_eq!(enabled.collect::<Vec<_>>(), [("App 1", true), ("App 9", false)]);
    assert!(request(&store, KEY).await.is_ok());
    let revoked = database.psql(documented("Who revoked a key"));
    assert!(revoked.ends_with(&format!("|{0}|psql|{0}", Postgres::OWNER)), "{revoked}");
    assert_eq!(revoked.lines().count(), 1, "{revoked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_events_go_as_the_documentation_says_and_no_others() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    let old = "insert into keygate.events (actor, tool, action, at)
        select 'a', 't', 'client.changed', now() - interval '500 days' from generate_series(1, 3000)";
    database.psql(old);
    database.psql(documented("Events are kept until"));
    // The last thousand and one, and two more for the client and the key.
    assert_eq!(database.psql("select count(*) from keygate.events"), "1003");
    crate::servers::query(&database.url(), "delete from keygate.events").unwrap_err();
}

/// The names in the first column of the table with this heading.
fn columns(table: &str) -> Vec<&'static str> {
    let (_, rest) = DOCS.split_once(&format!("\n| `{table}` |")).expect(table);
    let rows = rest.split("\n\n").next().unwrap().lines().skip(2);
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    names.map(|name| name.trim().trim_matches('`')).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_is_documented() {
    let database = Postgres::shared().database();
    migrated(&database).await;
    for table in ["clients", "keys", "events"] {
        let there = database.psql(&format!(
            "select column_name from information_schema.columns where table_schema = 'keygate' \
             and table_name = '{table}' order by ordinal_position"
        ));
        assert_eq!(columns(&format!("keygate.{table}")), there.lines().collect::<Vec<_>>());
    }
}
