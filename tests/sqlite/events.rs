//! Events of changes, including changes by hand.

use std::time::Duration;

use keygate::ManageKeys as _;
use keygate::store::SqliteStore;

use crate::fixture::{Folder, id, new, sqlite3, store, try_sqlite3};

const EVENTS: &str = "select actor, tool, action, client, key_id from keygate_events order by seq;";

fn events(folder: &Folder) -> Vec<String> {
    let events = sqlite3(&folder.database(), EVENTS);
    events
        .lines()
        .map(|line| line.replace(&id('A').to_string(), "A").replace(&id('B').to_string(), "B"))
        .collect()
}

#[tokio::test]
async fn every_event_has_an_actor_and_a_tool() {
    let folder = Folder::new();
    let store = SqliteStore::migrate(folder.database()).await.unwrap();
    let store = store.with_actor("alice").with_tool("keygate key");
    store.add_client("App 1".into()).await.unwrap();
    store.issue("App 1", new('A')).await.unwrap();
    store.rotate(&id('A'), new('B'), Duration::from_secs(60)).await.unwrap();
    store.revoke(&id('B')).await.unwrap();
    // An update to the same value is not a change.
    store.revoke(&id('B')).await.unwrap();
    store.enable_client("App 1").await.unwrap();
    store.disable_client("App 1").await.unwrap();
    store.enable_client("App 1").await.unwrap();
    store.disable_client("App 1").await.unwrap();
    store.remove_client("App 1").await.unwrap();
    let expected = [
        "client.added|App 1|",
        "key.issued|App 1|A",
        "key.issued|App 1|B",
        "key.rotated|App 1|A",
        "key.revoked|App 1|B",
        "client.disabled|App 1|",
        "client.enabled|App 1|",
        "client.disabled|App 1|",
    ];
    let events = events(&folder);
    let expected = expected.map(|event| format!("alice|keygate key|{event}"));
    assert_eq!(events[..8], expected);
    let mut removed = events[8..].to_vec();
    removed.sort();
    let expected = ["client.removed|App 1|", "key.removed|App 1|A", "key.removed|App 1|B"];
    assert_eq!(removed, expected.map(|event| format!("alice|keygate key|{event}")));
}

#[tokio::test]
async fn default_tool_is_the_crate() {
    let folder = Folder::new();
    store(&folder.database(), "").await;
    assert_eq!(events(&folder), ["|keygate|client.added|App 1|"]);
}

#[tokio::test]
async fn refused_change_leaves_no_event_and_no_origin() {
    let folder = Folder::new();
    let store = store(&folder.database(), "A").await.with_actor("alice");
    let before = events(&folder);
    store.add_client("App 1".into()).await.unwrap_err();
    store.issue("App 1", new('A')).await.unwrap_err();
    // Dropped at every possible point.
    for steps in 0..20 {
        let change = store.issue("App 1", new('C'));
        tokio::pin!(change);
        for _ in 0..steps {
            tokio::select! {
                biased;
                _ = &mut change => break,
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let by_hand = "update keygate_clients set metadata = '{\"a\":\"b\"}';";
    sqlite3(&folder.database(), by_hand);
    let after = events(&folder);
    assert_eq!(after.last().unwrap(), "|sql|client.changed|App 1|");
    let between = &after[before.len()..after.len() - 1];
    let issued = format!("alice|keygate|key.issued|App 1|{}", id('C'));
    assert!(between.iter().all(|event| *event == issued) && between.len() <= 1, "{between:?}");
    assert_eq!(sqlite3(&folder.database(), "select count(*) from keygate_origin;"), "0");
}

#[tokio::test]
async fn changes_by_hand_have_events() {
    let folder = Folder::new();
    store(&folder.database(), "AB").await;
    let before = events(&folder).len();
    let sql = "update keygate_clients set enabled = 0;
        update keygate_clients set enabled = 1, scopes = '[\"a\"]';
        update keygate_clients set enabled = 1;
        update keygate_keys set revoked = '2026-11-23T10:00:00Z' where key_id = 'A';
        update keygate_keys set label = 'x' where key_id = 'A';
        update keygate_keys set replaced_by = 'B' where key_id = 'A';
        delete from keygate_keys where key_id = 'B';
        update keygate_clients set name = 'App 2';
        delete from keygate_clients;";
    let sql =
        sql.replace("'A'", &format!("'{}'", id('A'))).replace("'B'", &format!("'{}'", id('B')));
    sqlite3(&folder.database(), &sql);
    let mut after = events(&folder).split_off(before);
    let mut last = after.split_off(6);
    let expected = [
        "client.disabled|App 1|",
        "client.enabled|App 1|",
        "key.revoked|App 1|A",
        "key.changed|App 1|A",
        "key.rotated|App 1|A",
        "key.removed|App 1|B",
    ];
    assert_eq!(after, expected.map(|event| format!("|sql|{event}")));
    last.sort();
    let expected = [
        "client.added|App 2|",
        "client.removed|App 1|",
        "client.removed|App 2|",
        "key.changed|App 2|A",
        "key.removed|App 2|A",
    ];
    assert_eq!(last, expected.map(|event| format!("|sql|{event}")));
}

#[tokio::test]
async fn events_are_only_ever_added() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    let before = events(&folder);
    for sql in [
        "update keygate_events set actor = 'bob';",
        "delete from keygate_events;",
        "insert or replace into keygate_events (seq, tool, action) values (1, 'x', 'y');",
    ] {
        let error = try_sqlite3(&folder.database(), sql).unwrap_err();
        assert!(error.contains("keygate_events is append-only"), "{error}");
    }
    assert_eq!(events(&folder), before);
}
