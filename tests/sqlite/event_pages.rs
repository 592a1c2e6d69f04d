//! Pages of recorded changes.

use std::sync::atomic::{AtomicUsize, Ordering};

use keygate::ManageKeys as _;
use keygate::manage::{ChangeAction, EventQuery};
use keygate::store::SqliteStore;
use keygate::testing::event_contract;

use crate::fixture::{Folder, id, new, sqlite3, store};

#[tokio::test]
async fn changes_are_recorded() {
    let folder = Folder::new();
    let number = AtomicUsize::new(0);
    event_contract(async |clock| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let path = folder.path().join(format!("{number}.db"));
        SqliteStore::migrate(path).await.unwrap().with_clock(clock.reader())
    })
    .await;
}

#[tokio::test]
async fn change_by_hand_is_listed_without_an_actor() {
    let folder = Folder::new();
    let store = store(&folder.database(), "").await;
    store.issue("App 1", new('A')).await.unwrap();
    sqlite3(&folder.database(), "update keygate_keys set label = 'by \"hand\"';");
    let page = store.events(&EventQuery::new().with_key(id('A')).with_limit(1)).await.unwrap();
    let [event] = &page.found[..] else { panic!("{page:?}") };
    assert_eq!((event.action, event.actor.as_deref()), (ChangeAction::KeyChanged, None));
    assert_eq!(event.tool.as_deref(), Some("sql"));
    let after: serde_json::Value = serde_json::from_str(event.after.as_ref().unwrap()).unwrap();
    assert_eq!(after["label"], "by \"hand\"");
}

/// For example, one of a future version.
#[tokio::test]
async fn event_of_an_unknown_kind_is_unreadable() {
    let folder = Folder::new();
    let store = store(&folder.database(), "").await;
    let sql = "insert into keygate_events (at, tool, action, client) \
               values ('2027-01-15T08:00:00Z', 'x', 'client.painted', 'App 1');";
    sqlite3(&folder.database(), sql);
    let mut found = Vec::new();
    let mut query = EventQuery::new().oldest_first().with_limit(1);
    for _ in 0..2 {
        let page = store.events(&query).await.unwrap();
        found.extend(page.found.iter().map(|event| event.action.name().to_owned()));
        found.extend(page.unreadable);
        let Some(next) = page.next else { break };
        query = query.after(next);
    }
    assert_eq!(found, ["client.added", "the event 2: its `action` is not valid"]);
}

/// The plan of each filter reads the page from an index, in its order.
#[tokio::test]
async fn pages_are_read_from_an_index() {
    let folder = Folder::new();
    store(&folder.database(), "").await;
    for (filter, index) in [
        ("1", "keygate_events_at"),
        ("e.at >= '2027'", "keygate_events_at"),
        ("e.client = 'App 1'", "keygate_events_client"),
        ("e.key_id = '1f0c2b7a9d3e4c58'", "keygate_events_key"),
        ("e.actor = 'ann'", "keygate_events_actor"),
        ("e.action = 'key.revoked'", "keygate_events_action"),
    ] {
        let after = "(e.at, e.seq) < ('2027-01-15T08:00:00.123Z', 7)";
        let sql = format!(
            "explain query plan select * from keygate_events e where {filter} and {after} \
             order by e.at desc, e.seq desc limit 51;"
        );
        let plan = sqlite3(&folder.database(), &sql);
        assert!(plan.contains(&format!("{index} (")), "{filter}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{filter}: {plan}");
    }
}
