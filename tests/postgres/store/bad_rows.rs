//! Rows that a hand has spoilt: an error for the key, and never "no such key".

use std::error::Error as _;

use keygate::manage::ManageError;
use keygate::store::PostgresStore;
use keygate::{AuthError, KeyDigest, KeyRecord, ManageKeys as _, WrongReason};

use crate::servers::Postgres;
use crate::store::{KEY, OTHER_KEY, ask, filled, issue};

/// Spoils the row of [`KEY`] or its client, and looks at what callers and managers meet.
async fn spoilt(sql: &str, told: &str) {
    let database = Postgres::shared().database();
    let store = filled(&database).await;
    store.add_client("App 2".into()).await.unwrap();
    let other = issue(&store, OTHER_KEY).await;
    database.psql(&format!("update keygate.keys set client = 'App 2' where key_id = '{other}'"));
    let mine = format!("key_id <> '{other}'");
    database.psql(&sql.replace("MINE", &mine));
    assert_unavailable(&store, told).await;
    assert_eq!(ask(&store, OTHER_KEY).await.unwrap().name(), "App 2");
    // The connection goes on.
    assert_unavailable(&store, told).await;
    let listed = store.list_keys(None).await.err().or(store.list_clients().await.err());
    let Some(ManageError::Unavailable(error)) = &listed else { panic!("{sql}: {listed:?}") };
    let shown = error.source().unwrap().to_string();
    assert!(shown.contains(told), "{sql}: {shown}");
}

async fn assert_unavailable(store: &PostgresStore, told: &str) {
    let error = ask(store, KEY).await.unwrap_err();
    let AuthError::Unavailable(error) = &error else { panic!("{told}: {error:?}") };
    let shown = error.source().unwrap().to_string();
    assert!(shown.contains(told), "{told}: {shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_key_rows_are_an_outage() {
    for (column, told) in [
        ("algorithm = 'md5'", "algorithm"),
        ("expires = 'infinity'", "expires"),
        ("expires = '-infinity'", "expires"),
        ("expires = '12000-01-01'", "expires"),
        ("expires = '0044-03-15 BC'", "expires"),
    ] {
        spoilt(&format!("update keygate.keys set {column} where MINE"), told).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_client_rows_are_an_outage_for_their_keys() {
    for column in [
        "scopes = '{Orders}'",
        "scopes = '{NULL}'",
        "scopes = '{{a,b},{c,d}}'",
        "quota = '7'",
        "quota = 'null'",
        "quota = '\"0/minute\"'",
        "quota = '{\"rate\": \"1/day\", \"burst\": 36526}'",
        "metadata = '[]'",
        "metadata = 'null'",
        "metadata = '{\"a\": 1}'",
        "metadata = jsonb_build_object('a', repeat('x', 5000))",
        "name = ' App 1'",
        "name = E'App\\t1'",
    ] {
        let sql = format!("update keygate.clients set {column} where name = 'App 1'");
        spoilt(&sql, "App").await;
    }
}

/// What no request needs is told to those who manage keys only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_metadata_is_reported_to_managers() {
    for (column, told) in [
        ("label = ' a '", "label"),
        ("label = ''", "label"),
        ("created = 'infinity'", "created"),
        ("replaced_by = 'x'", "replaced_by"),
        ("revoked = 'infinity'", "revoked"),
    ] {
        let database = Postgres::shared().database();
        let store = filled(&database).await;
        database.psql(&format!("update keygate.keys set {column}"));
        let error = store.list_keys(None).await.unwrap_err();
        let ManageError::Unavailable(error) = &error else { panic!("{error:?}") };
        assert!(error.source().unwrap().to_string().contains(told), "{error:?}");
        match ask(&store, KEY).await {
            Ok(client) => assert!(told != "revoked", "{client:?}"),
            Err(error) => assert!(told == "revoked" && error.reason().is_some(), "{error:?}"),
        }
        assert_revokes(&store).await;
        let error = ask(&store, KEY).await.unwrap_err();
        assert_eq!(error.reason(), Some(WrongReason::Revoked), "{column}");
    }
}

/// Taking rights away depends on nothing that a hand has spoilt.
async fn assert_revokes(store: &PostgresStore) {
    let key_id = KeyRecord::new(KeyDigest::of(KEY.as_bytes()), "").key_id();
    let key = store.revoke(&key_id).await.unwrap();
    assert!(key.key_id == key_id && key.revoked.is_some() && key.client.contains("App"), "{key:?}");
    if let Err(AuthError::WrongCredentials { reason, .. }) = ask(store, KEY).await {
        assert_eq!(reason, WrongReason::Revoked);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_clients_can_be_disabled_and_removed() {
    for column in ["scopes = '{Orders}'", "quota = '7'", "metadata = '[]'"] {
        let database = Postgres::shared().database();
        let store = filled(&database).await;
        database.psql(&format!("update keygate.clients set {column}"));
        assert_revokes(&store).await;
        let client = store.disable_client("App 1").await.unwrap();
        assert!(!client.enabled && client.profile.name() == "App 1", "{client:?}");
        assert_eq!(database.psql("select enabled from keygate.clients"), "f");
        assert!(store.enable_client("App 1").await.is_err());
        store.remove_client("App 1").await.unwrap();
        assert_eq!(database.psql("select count(*) from keygate.keys"), "0");
    }
}
