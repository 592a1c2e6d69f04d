//! Keys that are removed for good.

use std::time::{Duration, SystemTime};

use keygate::ManageKeys as _;
use keygate::manage::{
    ConflictReason, ImportConflict, KeyError, ManageError, PurgeKeys, TransferKeys as _,
};
use keygate::store::SqliteStore;
use serde_json::Value;

use crate::fixture::{Folder, Response, UNKNOWN, id, new, request, sqlite3, store, try_sqlite3};

fn revoked_until_now() -> PurgeKeys {
    PurgeKeys::new().revoked_before(SystemTime::now())
}

#[tokio::test]
async fn purge_leaves_a_tombstone_and_an_event() {
    let folder = Folder::new();
    let store = store(&folder.database(), "AB").await.with_actor("ada");
    store.rotate(&id('A'), new('C'), Duration::ZERO).await.unwrap();
    store.revoke(&id('C')).await.unwrap();
    let before = sqlite3(&folder.database(), "select count(*) from keygate_events;");
    let dry_run = store.purge_keys(&revoked_until_now().dry_run()).await.unwrap();
    let purged = store.purge_keys(&revoked_until_now()).await.unwrap();
    assert_eq!((&dry_run, purged[0].key_id), (&purged, id('C')));

    // The key that it replaced has ended, and no longer names it.
    let events = format!(
        "select actor, action, key_id, before, after is null from keygate_events \
         order by seq limit -1 offset {before};"
    );
    let events = sqlite3(&folder.database(), &events);
    let [changed, gone] = &events.lines().collect::<Vec<_>>()[..] else { panic!("{events}") };
    assert!(changed.starts_with(&format!("ada|key.changed|{}|", id('A'))), "{changed}");
    let gone = gone.splitn(4, '|').collect::<Vec<_>>();
    assert_eq!(gone[..3], ["ada", "key.purged", &*id('C').to_string()]);
    let (was, is_gone) = gone[3].rsplit_once('|').unwrap();
    let was: Value = serde_json::from_str(was).unwrap();
    assert_eq!((&was["client"], is_gone), (&"App 1".into(), "1"));
    assert!(was["revoked"].is_string() && was.get("digest").is_none(), "{was}");
    let tombstones =
        "select lower(hex(substr(digest, 1, 8))), purged > '2026' from keygate_tombstones;";
    assert_eq!(sqlite3(&folder.database(), tombstones), format!("{}|1", id('C')));
    assert_eq!(request(&store, 'C').await, UNKNOWN);
    assert_eq!(request(&store, 'B').await, Response::Admitted);
    // Removing a client is not a purge.
    store.disable_client("App 1").await.unwrap();
    store.remove_client("App 1").await.unwrap();
    let actions = "select group_concat(distinct action) from keygate_events where key_id is not null \
                   and seq > (select seq from keygate_events where action = 'key.purged');";
    assert_eq!(sqlite3(&folder.database(), actions), "key.removed");
}

#[tokio::test]
async fn every_way_to_add_a_purged_key_is_refused() {
    let folder = Folder::new();
    let first = store(&folder.database(), "AB").await;
    let export = first.export_keys().await.unwrap();
    first.revoke(&id('A')).await.unwrap();
    first.purge_keys(&revoked_until_now()).await.unwrap();
    // Another process refuses it, too.
    let store = SqliteStore::open(folder.database()).await.unwrap();
    let refused = store.issue("App 1", new('A')).await.unwrap_err();
    let is_purged =
        matches!(refused, ManageError::Key(KeyError::Purged { key_id }) if key_id == id('A'));
    assert!(is_purged, "{refused:?}");
    assert!(refused.to_string().contains("cannot be added again: generate a new key"), "{refused}");
    let imported = store.import_keys(&export).await.unwrap();
    assert_eq!((imported.keys_added, imported.keys_kept), (0, 1));
    assert!(matches!(
        &imported.refused[..],
        [ImportConflict::Key { key_id, why: ConflictReason::Purged, .. }] if *key_id == id('A')
    ));
    let digest = "(select digest from keygate_tombstones)";
    let by_hand = format!("insert into keygate_keys (digest, client) values ({digest}, 'App 1');");
    let error = try_sqlite3(&folder.database(), &by_hand).unwrap_err();
    assert!(error.contains("the key was purged and cannot be added again"), "{error}");
    assert_eq!(request(&store, 'A').await, UNKNOWN);
}

/// An older export holds its keys as they were.
#[tokio::test]
async fn keys_of_a_removed_client_leave_tombstones() {
    let folder = Folder::new();
    let first = store(&folder.database(), "ABC").await;
    let export = first.export_keys().await.unwrap();
    first.revoke(&id('A')).await.unwrap();
    let by_hand = format!(
        "update keygate_keys set label = ' x' where key_id = '{}'; insert into keygate_tombstones \
         (digest) select digest from keygate_keys where key_id = '{}';",
        id('B'),
        id('C')
    );
    sqlite3(&folder.database(), &by_hand);
    first.disable_client("App 1").await.unwrap();
    first.remove_client("App 1").await.unwrap();
    let tombstones = "select count(*), min(purged) > '2026' from keygate_tombstones;";
    assert_eq!(sqlite3(&folder.database(), tombstones), "3|1");

    let store = SqliteStore::open(folder.database()).await.unwrap();
    let imported = store.import_keys(&export).await.unwrap();
    assert_eq!((imported.clients_added, imported.keys_added), (1, 0));
    assert_eq!(imported.refused.len(), 3);
    for refused in &imported.refused {
        assert!(matches!(refused, ImportConflict::Key { why: ConflictReason::Purged, .. }));
    }
    let refused = store.issue("App 1", new('A')).await.unwrap_err();
    assert!(matches!(refused, ManageError::Key(KeyError::Purged { .. })), "{refused}");
    assert_eq!(request(&store, 'A').await, UNKNOWN);
}

#[tokio::test]
async fn unreadable_row_does_not_stop_a_purge() {
    let folder = Folder::new();
    let store = store(&folder.database(), "AB").await;
    for letter in ['A', 'B'] {
        store.revoke(&id(letter)).await.unwrap();
    }
    let spoil = format!("update keygate_keys set label = ' x' where key_id = '{}';", id('A'));
    sqlite3(&folder.database(), &spoil);
    let purged = store.purge_keys(&revoked_until_now()).await.unwrap();
    assert_eq!(purged.iter().map(|key| key.key_id).collect::<Vec<_>>(), [id('B')]);
    let listed = store.list_readable_keys(None).await.unwrap();
    assert_eq!((listed.found.len(), listed.unreadable.len()), (0, 1));
}

/// Lookups read one row by its digest, and no other keys or tombstones.
#[tokio::test]
async fn ten_thousand_dead_keys_are_purged_at_once() {
    let folder = Folder::new();
    let store = store(&folder.database(), "A").await;
    let dead = "with recursive n (n) as (select 1 union all select n + 1 from n where n < 10000)
        insert into keygate_keys (digest, client, revoked)
        select randomblob(32), 'App 1', '2026-01-01T00:00:00Z' from n;";
    sqlite3(&folder.database(), dead);
    assert_eq!(request(&store, 'A').await, Response::Admitted);
    let purged = store.purge_keys(&revoked_until_now()).await.unwrap();
    assert_eq!(purged.len(), 10_000);
    let left =
        "select (select count(*) from keygate_keys), (select count(*) from keygate_tombstones);";
    assert_eq!(sqlite3(&folder.database(), left), "1|10000");
    assert_eq!(request(&store, 'A').await, Response::Admitted);
}

/// As with an audit trigger that ignores deletions.
#[tokio::test]
async fn purge_that_is_undone_fails() {
    let folder = Folder::new();
    let store = store(&folder.database(), "A").await;
    store.revoke(&id('A')).await.unwrap();
    sqlite3(
        &folder.database(),
        "create trigger keep before delete on keygate_keys begin select raise(ignore); end;",
    );
    let error = store.purge_keys(&revoked_until_now()).await.unwrap_err().to_string();
    assert!(
        error.contains("a key exists after it was purged") && error.contains("`keep`"),
        "{error}"
    );
    let left =
        "select (select count(*) from keygate_keys), (select count(*) from keygate_tombstones);";
    assert_eq!(sqlite3(&folder.database(), left), "1|0");
}
