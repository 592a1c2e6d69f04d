//! The documented tables and statements.

use std::time::{Duration, SystemTime};

use keygate::{Authenticator, ManageKeys as _, WrongReason};

use crate::fixture::{Folder, Response, new, request, sqlite3, store};

const DOCS: &str = include_str!("../../src/store/sqlite/tables.md");

/// The key with the documented digest.
const DOCUMENTED: &[u8] = b"foo";

/// The statements after the line with this beginning.
fn documented(line: &str) -> &'static str {
    let (_, rest) = DOCS.split_once(&format!("\n{line}")).expect(line);
    let (_, rest) = rest.split_once("\n```sql\n").unwrap();
    rest.split_once("\n```").unwrap().0
}

#[tokio::test]
async fn documented_statements_do_what_the_docs_say() {
    let folder = Folder::new();
    let store = store(&folder.database(), "A").await;
    let run = |line| sqlite3(&folder.database(), documented(line));
    run("A new client with a key");
    let by = "select distinct actor, tool from keygate_events where client = 'App 9';";
    assert_eq!(sqlite3(&folder.database(), by), "ada|runbook 12");
    let auth = Authenticator::new(store.clone());
    let client = auth.authenticate_key(DOCUMENTED).await.unwrap();
    assert_eq!(client.name(), "App 9");
    assert_eq!(client.profile().quota().unwrap().to_string(), "100/minute, 20 at once");
    let later = SystemTime::now() + Duration::from_secs(15 * 24 * 60 * 60);
    store.issue("App 9", new('B').with_expiry(later)).await.unwrap();

    let expiring = run("Keys that expire within 14 days");
    assert!(expiring.starts_with("App 9|2c26b46b68ffc68f|production|"), "{expiring}");
    assert_eq!(expiring.lines().count(), 1, "{expiring}");
    assert_eq!(run("Clients with the scope `orders:read`"), "App 9");
    assert_eq!(run("Clients of a team"), "App 9|2");
    assert_eq!(run("Who revoked a key"), "");

    run("Revoking a key");
    let refused = auth.authenticate_key(DOCUMENTED).await.unwrap_err();
    assert_eq!(refused.reason(), Some(WrongReason::Revoked));
    let clients = store.list_clients().await.unwrap();
    let enabled = clients.iter().map(|client| (client.profile.name(), client.enabled));
    assert_eq!(enabled.collect::<Vec<_>>(), [("App 1", true), ("App 9", false)]);
    assert_eq!(request(&store, 'A').await, Response::Admitted);
    let revoked = run("Who revoked a key");
    assert!(revoked.ends_with("||sql"), "{revoked}");
    assert_eq!(revoked.lines().count(), 1, "{revoked}");
}

/// The names in the first column of the table with this heading.
fn columns(table: &str) -> Vec<&'static str> {
    let (_, rest) = DOCS.split_once(&format!("\n| `{table}` |")).expect(table);
    let rows = rest.split("\n\n").next().unwrap().lines().skip(2);
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    names.map(|name| name.trim().trim_matches('`')).collect()
}

#[tokio::test]
async fn every_column_is_documented() {
    let folder = Folder::new();
    store(&folder.database(), "").await;
    for table in ["keygate_clients", "keygate_keys", "keygate_events"] {
        let there = sqlite3(
            &folder.database(),
            &format!("select name from pragma_table_xinfo('{table}') order by cid;"),
        );
        assert_eq!(columns(table), there.lines().collect::<Vec<_>>());
    }
}
