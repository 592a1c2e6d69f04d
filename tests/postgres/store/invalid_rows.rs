//! Invalid rows: an error for the key, never an unknown key.

use std::error::Error as _;

use keygate::manage::ManageError;
use keygate::store::PostgresStore;
use keygate::{AuthError, KeyDigest, KeyRecord, ManageKeys as _, WrongReason};

use crate::servers::Postgres;
use crate::store::{KEY, OTHER_KEY, issue, request, store_with_key};

/// Makes the row of [`KEY`] or its client invalid, and checks the results for callers and managers.
async fn check_invalid(sql: &str, expected: &str) {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    store.add_client("App 2".into()).await.unwrap();
    let other = issue(&store, OTHER_KEY).await;
    database.psql(&format!("update keygate.keys set client = 'App 2' where key_id = '{other}'"));
    let mine = format!("key_id <> '{other}'");
    database.psql(&sql.replace("MINE", &mine));
    assert_unavailable(&store, expected).await;
    assert_eq!(request(&store, OTHER_KEY).await.unwrap().name(), "App 2");
    // The connection stays usable.
    assert_unavailable(&store, expected).await;
    let listed = store.list_keys(None).await.err().or(store.list_clients().await.err());
    let Some(ManageError::Unavailable(error)) = &listed else { panic!("{sql}: {listed:?}") };
    let shown = error.source().unwrap().to_string();
    assert!(shown.contains(expected), "{sql}: {shown}");
}

async fn assert_unavailable(store: &PostgresStore, expected: &str) {
    let error = request(store, KEY).await.unwrap_err();
    let AuthError::Unavailable(error) = &error else { panic!("{expected}: {error:?}") };
    let shown = error.source().unwrap().to_string();
    assert!(shown.contains(expected), "{expected}: {shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_key_rows_are_an_outage() {
    for (column, expected) in [
        ("algorithm = 'md5'", "algorithm"),
        ("expires = 'infinity'", "expires"),
        ("expires = '-infinity'", "expires"),
        ("expires = '12000-01-01'", "expires"),
        ("expires = '0044-03-15 BC'", "expires"),
        ("not_before = 'infinity'", "not_before"),
        ("not_before = '-infinity'", "not_before"),
        ("scopes = '{Orders}'", "scope"),
        ("networks = '{here}'", "networks"),
    ] {
        check_invalid(&format!("update keygate.keys set {column} where MINE"), expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_client_rows_are_an_outage_for_their_keys() {
    for column in [
        "scopes = '{Orders}'",
        "networks = '{10.1.2.3/8}'",
        "title = ' a'",
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
        check_invalid(&sql, "App").await;
    }
}

/// Only an invalid revocation affects requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_metadata_is_reported_to_managers() {
    for (column, expected) in [
        ("label = ' a '", "label"),
        ("label = ''", "label"),
        ("created = 'infinity'", "created"),
        ("replaced_by = 'x'", "replaced_by"),
        ("revoked = 'infinity'", "revoked"),
    ] {
        let database = Postgres::shared().database();
        let store = store_with_key(&database).await;
        database.psql(&format!("update keygate.keys set {column}"));
        let error = store.list_keys(None).await.unwrap_err();
        let ManageError::Unavailable(error) = &error else { panic!("{error:?}") };
        assert!(error.source().unwrap().to_string().contains(expected), "{error:?}");
        match request(&store, KEY).await {
            Ok(client) => assert!(!["replaced_by", "revoked"].contains(&expected), "{client:?}"),
            // Lookups read it, to warn of replaced keys.
            Err(AuthError::Unavailable(_)) => assert_eq!(expected, "replaced_by"),
            Err(error) => assert!(expected == "revoked" && error.reason().is_some(), "{error:?}"),
        }
        assert_revokes(&store).await;
        let error = request(&store, KEY).await.unwrap_err();
        assert_eq!(error.reason(), Some(WrongReason::Revoked), "{column}");
    }
}

/// Revoking and disabling work despite invalid columns.
async fn assert_revokes(store: &PostgresStore) {
    let key_id = KeyRecord::new(KeyDigest::of(KEY.as_bytes()), "").key_id();
    let key = store.revoke(&key_id).await.unwrap();
    assert!(key.key_id == key_id && key.revoked.is_some() && key.client.contains("App"), "{key:?}");
    if let Err(AuthError::WrongCredentials(wrong)) = request(store, KEY).await {
        assert_eq!(wrong.reason(), WrongReason::Revoked);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_clients_can_be_disabled_and_removed() {
    for column in ["scopes = '{Orders}'", "quota = '7'", "metadata = '[]'"] {
        let database = Postgres::shared().database();
        let store = store_with_key(&database).await;
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
