//! Every kind of change, made with SQL.

use std::time::{Duration, SystemTime};

use keygate::key::KeyState;
use keygate::manage::{ClientChange, KeyChange, PurgeKeys};
use keygate::store::{PostgresStore, Replica};
use keygate::{LocalKeyStore as _, ManageKeys as _, NewKey};

use crate::replica::fixture::{
    Response, at, connect, digest, is_active, is_revoked, issue, migrate, replica_with_keys,
    request, revoke, until,
};
use crate::servers::{Database, Postgres};

fn database() -> Database<'static> {
    Postgres::shared().database()
}

#[tokio::test]
async fn keys_are_issued_changed_revoked_and_removed() {
    let database = database();
    let replica = replica_with_keys(&database, 2).await;
    assert!(is_active(&replica, 0) && is_active(&replica, 1));
    assert_eq!(request(&replica, 2), Response::Unknown);

    database.psql(&issue(2, 3, "User 2"));
    // Counts are updated shortly after the keys.
    until("a key that was issued", || is_active(&replica, 2) && replica.health().clients == 2)
        .await;

    database.psql(&format!("update keygate.keys set expires = '2030-01-01Z' {}", at(0)));
    let expires = || replica.find(&digest(0)).unwrap().unwrap().expires();
    until("an expiry", || expires().is_some()).await;

    database.psql(&revoke(1));
    until("a revoke", || is_revoked(&replica, 1)).await;
    database.psql(&format!("update keygate.keys set revoked = null {}", at(1)));
    until("a revoke that was taken back by hand", || is_active(&replica, 1)).await;

    database.psql(&format!("delete from keygate.keys {}", at(1)));
    let is_gone = || request(&replica, 1) == Response::Unknown && replica.health().keys == 2;
    until("a key that was deleted", is_gone).await;
    assert_eq!((replica.health().loads, replica.health().resets), (1, 0));
}

#[tokio::test]
async fn changes_of_operators_are_followed() {
    let database = database();
    let replica = replica_with_keys(&database, 2).await;
    let store = PostgresStore::connect(&database.url()).await.unwrap();
    let change = ClientChange::new().add_scope("orders:read".parse().unwrap());
    let change = change.with_quota("1/day".parse().unwrap()).set_metadata("team", "billing");
    let change = change.with_title("Shop").with_networks(["10.0.0.0/8".parse().unwrap()]);
    let changed = store.update_client("User 1", change).await.unwrap();
    let profile = || replica.find(&digest(1)).unwrap().unwrap().profile().clone();
    until("another profile", || profile() == changed.profile).await;

    let end = SystemTime::now() + Duration::from_secs(3600);
    let key_id = NewKey::new(digest(1)).key_id();
    let changed = store.update_key(&key_id, KeyChange::new().with_expiry(end)).await.unwrap();
    let expires = || replica.find(&digest(1)).unwrap().unwrap().expires();
    until("an expiry", || expires().is_some() && expires() == changed.expires()).await;
    store.update_key(&key_id, KeyChange::new().with_expiry(None)).await.unwrap();
    until("no expiry", || expires().is_none()).await;

    let (scopes, networks) = (["orders:read".parse().unwrap()], ["10.1.0.0/16".parse().unwrap()]);
    let change = KeyChange::new().with_scopes(scopes.clone()).with_networks(networks);
    store.update_key(&key_id, change).await.unwrap();
    let record = || replica.find(&digest(1)).unwrap().unwrap();
    until("scopes and networks of a key", || {
        record().scopes() == scopes && record().networks() == networks
    })
    .await;
    let change = KeyChange::new().with_scopes([]).with_networks([]);
    store.update_key(&key_id, change).await.unwrap();
    until("none of them", || record().scopes().is_empty() && record().networks().is_empty()).await;
    assert_eq!((replica.health().loads, replica.health().resets), (1, 0));
}

#[tokio::test]
async fn clients_are_changed_disabled_enabled_renamed_and_removed() {
    let database = database();
    let replica = replica_with_keys(&database, 3).await;
    let found = |state, name: &str| Response::Found(state, name.to_owned());

    database.psql("update keygate.clients set scopes = '{orders:read}', quota = '\"1/day\"'");
    let profile = || replica.find(&digest(2)).unwrap().unwrap().profile().clone();
    until("scopes", || !profile().scopes().is_empty()).await;
    assert!(profile().quota().is_some());

    database.psql("update keygate.clients set enabled = false");
    until("a client that was disabled", || {
        (0..3).all(|number| request(&replica, number) == found(KeyState::Disabled, "User 1"))
    })
    .await;
    database.psql("update keygate.clients set enabled = true");
    until("a client that was enabled", || (0..3).all(|number| is_active(&replica, number))).await;

    database.psql("update keygate.clients set name = 'User 9'");
    until("a client that was renamed", || {
        (0..3).all(|number| request(&replica, number) == found(KeyState::Active, "User 9"))
    })
    .await;

    database.psql("delete from keygate.clients");
    until("a client that was deleted", || {
        (0..3).all(|number| request(&replica, number) == Response::Unknown)
    })
    .await;
    until("no clients", || (replica.health().clients, replica.health().keys) == (0, 0)).await;
    assert_eq!(replica.health().loads, 1);
}

#[tokio::test]
async fn tables_are_emptied_and_filled_again() {
    let database = database();
    let replica = replica_with_keys(&database, 3).await;
    database.psql("truncate keygate.keys");
    until("no keys", || replica.health().keys == 0).await;
    assert_eq!(request(&replica, 0), Response::Unknown);
    database.psql(&issue(0, 5, "User 1"));
    until("all keys", || (0..5).all(|number| is_active(&replica, number))).await;
    assert_eq!(replica.health().resets, 0);
}

#[tokio::test]
async fn changes_through_a_store_are_followed() {
    let database = database();
    migrate(&database.url()).await;
    let store = PostgresStore::connect(&database.url()).await.unwrap();
    let replica = Replica::connect(&database.url()).await.unwrap();
    store.add_client("User 1".into()).await.unwrap();
    let info = store.issue("User 1", NewKey::new(digest(0))).await.unwrap();
    until("an issued key", || is_active(&replica, 0)).await;
    let next = NewKey::new(digest(1));
    store.rotate(&info.key_id, next, Duration::from_secs(3600)).await.unwrap();
    let expiry = || replica.find(&digest(0)).unwrap().unwrap().expires();
    until("a rotation", || is_active(&replica, 1) && expiry().is_some()).await;
    store.revoke(&info.key_id).await.unwrap();
    until("a revoke", || is_revoked(&replica, 0)).await;
    store.disable_client("User 1").await.unwrap();
    store.remove_client("User 1").await.unwrap();
    until("a removal", || request(&replica, 1) == Response::Unknown).await;
}

#[tokio::test]
async fn purge_is_followed() {
    let database = database();
    let replica = replica_with_keys(&database, 4).await;
    let store = PostgresStore::connect(&database.url()).await.unwrap();
    for number in 0..3 {
        database.psql(&revoke(number));
    }
    until("the revokes", || (0..3).all(|number| is_revoked(&replica, number))).await;
    let purge = PurgeKeys::new().revoked_before(SystemTime::now());
    assert_eq!(store.purge_keys(&purge).await.unwrap().len(), 3);
    until("a purge", || (0..3).all(|number| request(&replica, number) == Response::Unknown)).await;
    assert!(is_active(&replica, 3));
    assert_eq!((replica.health().keys, replica.health().loads), (1, 1));
}

#[tokio::test]
async fn changes_are_found_without_notifications() {
    let database = database();
    let replica = replica_with_keys(&database, 2).await;
    database.psql("alter table keygate.events disable trigger woken");
    database.psql(&revoke(0));
    until("a revoke", || is_revoked(&replica, 0)).await;
}

#[tokio::test]
async fn lost_connections_are_replaced() {
    let database = database();
    let replica = replica_with_keys(&database, 2).await;
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    for number in 0..2 {
        assert_eq!(database.psql(end), "1");
        database.psql(&revoke(number));
        until("a revoke", || is_revoked(&replica, number)).await;
    }
    until("no error", || replica.health().error.is_none()).await;
    assert_eq!((replica.health().loads, replica.health().resets), (1, 0));
}

#[tokio::test]
async fn follower_ends_with_the_last_clone() {
    let database = database();
    let replica = replica_with_keys(&database, 1).await;
    let others = "select count(*) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    let clone = replica.clone();
    drop(replica);
    assert_eq!(database.psql(others), "1");
    database.psql(&revoke(0));
    until("a revoke", || is_revoked(&clone, 0)).await;
    drop(clone);
    until("no connection", || database.psql(others) == "0").await;
}

#[tokio::test]
async fn read_only_role_serves() {
    let server = Postgres::start();
    let database = server.database();
    migrate(&database.url()).await;
    database.psql(&issue(0, 2, "User 1"));
    let grants = include_str!("../../../src/store/postgres/grants/serving.sql");
    database.psql(&grants.replace("'...'", "'secret'"));
    let replica = connect(&database.url_as("keygate_serving", "secret")).await.unwrap();
    assert!(is_active(&replica, 0));
    database.psql(&revoke(0));
    until("a revoke", || is_revoked(&replica, 0)).await;
}
