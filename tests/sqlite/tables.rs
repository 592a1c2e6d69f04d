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

/// The name and type of each column in the table with this heading.
fn columns(table: &str) -> Vec<String> {
    let (_, rest) = DOCS.split_once(&format!("\n| `{table}` |")).expect(table);
    let rows = rest.split("\n\n").next().unwrap().lines().skip(2);
    let columns = rows.flat_map(|row| {
        let cells = row.split('|').collect::<Vec<_>>();
        let of = cells[2].split('`').nth(1).unwrap();
        cells[1].split(',').map(move |name| format!("{}|{of}", name.trim().trim_matches('`')))
    });
    columns.collect()
}

/// The name and type of each column of a table.
fn columns_of(folder: &Folder, table: &str, condition: &str) -> Vec<String> {
    let columns = format!(
        "select name, lower(type) from pragma_table_xinfo('{table}') {condition} order by cid;"
    );
    sqlite3(&folder.database(), &columns).lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn every_column_is_documented() {
    let folder = Folder::new();
    store(&folder.database(), "").await;
    for table in [
        "keygate_clients",
        "keygate_keys",
        "keygate_events",
        "keygate_policy",
        "keygate_tombstones",
    ] {
        assert_eq!(columns(table), columns_of(&folder, table, ""));
    }
}

/// The trigger lists the columns.
#[tokio::test]
async fn change_of_any_column_is_recorded() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    for table in ["keygate_keys", "keygate_clients"] {
        let columns = columns_of(&folder, table, "where hidden = 0 and name not like 'stored%'");
        assert!(columns.len() >= 5, "{columns:?}");
        for column in columns {
            let (name, of) = column.split_once('|').unwrap();
            let value = match of {
                "blob" => "randomblob(32)",
                "integer" => "0",
                "text" => "'other'",
                other => panic!("{other}"),
            };
            let events = format!(
                "pragma foreign_keys = off; pragma ignore_check_constraints = on;
                begin; create temp table before as select * from keygate_events;
                update {table} set {name} = {value};
                select count(*) > (select count(*) from before) from keygate_events; rollback;"
            );
            assert_eq!(sqlite3(&folder.database(), &events), "1", "{table}.{name}");
        }
    }
}
