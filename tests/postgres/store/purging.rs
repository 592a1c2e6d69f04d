//! Keys that are removed for good.

use std::time::{Duration, SystemTime};

use keygate::manage::{
    ConflictReason, ImportConflict, KeyChange, KeyError, ManageError, PurgeKeys, TransferKeys as _,
};
use keygate::store::PostgresStore;
use keygate::testing::FakeClock;
use keygate::{KeyDigest, KeyId, ManageKeys as _, NewKey, WrongReason};
use serde_json::{Value, json};

use crate::servers::{Postgres, query};
use crate::store::{KEY, OTHER_KEY, issue, migrated, request, store_with_key};

fn revoked_until_now() -> PurgeKeys {
    PurgeKeys::new().revoked_before(SystemTime::now())
}

/// A store with a key, and the id of another one, which was revoked.
async fn with_revoked_key(database: &crate::servers::Database<'_>) -> (PostgresStore, KeyId) {
    let store = store_with_key(database).await;
    let id = issue(&store, OTHER_KEY).await;
    store.revoke(&id).await.unwrap();
    (store.with_actor("ada"), id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purge_leaves_a_tombstone_and_an_event() {
    let database = Postgres::shared().database();
    let (store, id) = with_revoked_key(&database).await;
    let before = database.psql("select count(*) from keygate.events");
    let purged = store.purge_keys(&revoked_until_now()).await.unwrap();
    assert_eq!(purged.iter().map(|key| key.key_id).collect::<Vec<_>>(), [id]);
    let events = format!(
        "select json_build_array(actor, action, client, key_id, before, after) \
         from keygate.events order by seq offset {before}"
    );
    let event: Vec<Value> = serde_json::from_str(&database.psql(&events)).unwrap();
    assert_eq!(
        event[..4],
        [json!("ada"), json!("key.purged"), json!("App 1"), json!(id.to_string())]
    );
    assert!(event[4]["revoked"].is_string() && event[4].get("digest").is_none(), "{event:?}");
    assert_eq!(event[5], Value::Null);
    let tombstones =
        "select left(encode(digest, 'hex'), 16), purged <= now() from keygate.tombstones";
    assert_eq!(database.psql(tombstones), format!("{id}|t"));
    let error = request(&store, OTHER_KEY).await.unwrap_err();
    assert_eq!(error.reason(), Some(WrongReason::Unknown));
    assert!(request(&store, KEY).await.is_ok());
    // Removing a client is not a purge.
    store.disable_client("App 1").await.unwrap();
    store.remove_client("App 1").await.unwrap();
    let last =
        "select action from keygate.events where key_id is not null order by seq desc limit 1";
    assert_eq!(database.psql(last), "key.removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_add_a_purged_key_is_refused() {
    let database = Postgres::shared().database();
    let (first, id) = with_revoked_key(&database).await;
    let export = first.export_keys().await.unwrap();
    first.purge_keys(&revoked_until_now()).await.unwrap();
    let store = migrated(&database).await;
    let new = NewKey::new(KeyDigest::of(OTHER_KEY.as_bytes()));
    let refused = store.issue("App 1", new).await.unwrap_err();
    let is_purged =
        matches!(refused, ManageError::Key(KeyError::Purged { key_id }) if key_id == id);
    assert!(is_purged, "{refused:?}");
    let imported = store.import_keys(&export).await.unwrap();
    assert_eq!((imported.keys_added, imported.keys_kept), (0, 1));
    assert!(matches!(
        &imported.refused[..],
        [ImportConflict::Key { key_id, why: ConflictReason::Purged, .. }] if *key_id == id
    ));
    let by_hand = "insert into keygate.keys (digest, client) \
                   select digest, 'App 1' from keygate.tombstones";
    let error = query(&database.url(), by_hand).unwrap_err();
    assert!(error.contains("a key was purged and cannot be added again"), "{error}");
    assert_eq!(store.list_keys(None).await.unwrap().len(), 1);
}

/// An older export holds its keys as they were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_a_removed_client_leave_tombstones() {
    let database = Postgres::shared().database();
    let (first, id) = with_revoked_key(&database).await;
    database.psql("update keygate.keys set revoked = null");
    let export = first.export_keys().await.unwrap();
    first.revoke(&id).await.unwrap();
    database.psql("update keygate.keys set label = ' x' where revoked is null");
    first.disable_client("App 1").await.unwrap();
    first.remove_client("App 1").await.unwrap();
    let tombstones = "select count(*), max(purged) <= now() from keygate.tombstones";
    assert_eq!(database.psql(tombstones), "2|t");

    let store = migrated(&database).await;
    let imported = store.import_keys(&export).await.unwrap();
    assert_eq!((imported.clients_added, imported.keys_added), (1, 0));
    assert_eq!(imported.refused.len(), 2);
    for refused in &imported.refused {
        assert!(matches!(refused, ImportConflict::Key { why: ConflictReason::Purged, .. }));
    }
    let new = NewKey::new(KeyDigest::of(OTHER_KEY.as_bytes()));
    let refused = store.issue("App 1", new).await.unwrap_err();
    assert!(matches!(refused, ManageError::Key(KeyError::Purged { .. })), "{refused}");
    let error = request(&store, OTHER_KEY).await.unwrap_err();
    assert_eq!(error.reason(), Some(WrongReason::Unknown));
}

/// The clocks of two operators differ. One of them extends a key that has expired by the clock of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_that_is_extended_during_a_purge_is_kept() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    let now = SystemTime::now();
    let ahead = FakeClock::at(now + Duration::from_secs(3_600));
    let other = migrated(&database).await.with_clock(ahead.reader());
    let key_id = store.list_keys(None).await.unwrap()[0].key_id;
    for round in 0..20 {
        let end = KeyChange::new().with_expiry(now + Duration::from_secs(600));
        store.update_key(&key_id, end).await.unwrap();
        let later = now + Duration::from_secs(7_200 + round);
        let purge = PurgeKeys::new().expired_before(ahead.now());
        let extend = store.update_key(&key_id, KeyChange::new().with_expiry(later));
        let (extended, purged) = tokio::join!(extend, other.purge_keys(&purge));
        match (extended, purged.unwrap().len()) {
            (Ok(key), 0) => {
                assert_eq!(store.find_key(&key_id).await.unwrap().expires(), key.expires());
            }
            // Purged before it was extended.
            (Err(ManageError::UnknownKey { .. }), 1) => {
                assert!(store.list_keys(None).await.unwrap().is_empty());
                return;
            }
            (extended, purged) => panic!("{purged} keys are purged, and {extended:?}"),
        }
    }
}

/// The grants of older versions name no tombstones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn role_of_older_tables_purges_keys_after_a_migration() {
    let server = Postgres::start();
    let database = server.database();
    database.psql("create schema keygate");
    for version in 1..=12 {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/postgres/migrations");
        let migration = std::fs::read_to_string(format!("{folder}/{version:04}.sql")).unwrap();
        database.psql(&migration);
        database.psql(&format!(
            "insert into keygate.migrations (version, oldest_reader) values ({version}, 1)"
        ));
    }
    database.psql(
        "create role old_managers login password 'c4n4ry'; \
         grant usage on schema keygate to old_managers; \
         grant select on keygate.migrations, keygate.events, keygate.policy to old_managers; \
         grant select, insert, update, delete on keygate.clients, keygate.keys to old_managers",
    );
    with_revoked_key(&database).await;
    let url = database.url_as("old_managers", "c4n4ry");
    let store = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(store.purge_keys(&revoked_until_now()).await.unwrap().len(), 1);
    query(&url, "delete from keygate.tombstones").unwrap_err();
}

/// As with an audit trigger that ignores deletions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purge_that_is_undone_fails() {
    let database = Postgres::shared().database();
    let (store, _) = with_revoked_key(&database).await;
    database.psql(
        "create function public.keep() returns trigger language plpgsql as 'begin return null; end'; \
         create trigger keep before delete on keygate.keys for each row execute function public.keep()",
    );
    let error = store.purge_keys(&revoked_until_now()).await.unwrap_err().to_string();
    assert!(
        error.contains("a key exists after it was purged") && error.contains("`keep`"),
        "{error}"
    );
    assert_eq!(database.psql("select count(*) from keygate.tombstones"), "0");
    assert_eq!(store.list_keys(None).await.unwrap().len(), 2);
}
