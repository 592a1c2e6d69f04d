//! Standbys, which may lag behind and are refused unless allowed.

use std::error::Error as _;

use keygate::manage::ManageError;
use keygate::store::{DatabaseError, PostgresStore};
use keygate::{AuthError, ManageKeys as _, WrongReason};

use crate::servers::{Pgbouncer, Postgres, Wire};
use crate::store::{KEY, PATIENCE, options, request, store_with_key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standby_is_an_outage_unless_it_is_allowed() {
    let server = Postgres::start();
    let database = server.database();
    let store = store_with_key(&database).await;
    server.restart_as_standby();
    for opened in [
        PostgresStore::connect(&database.url()).await,
        PostgresStore::migrate(&database.url()).await,
    ] {
        let error = opened.unwrap_err();
        assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains("is a standby"), "{error}");
    }
    // An open store refuses it, too.
    let error = request(&store, KEY).await.unwrap_err();
    assert!(matches!(error, AuthError::Unavailable(_)), "{error:?}");
    let error = store.list_keys(None).await.unwrap_err();
    assert!(matches!(error, ManageError::Unavailable(_)), "{error:?}");

    let store = options(&database.url()).allow_standby().connect().await.unwrap();
    assert_eq!(request(&store, KEY).await.unwrap().name(), "App 1");
    assert!(store.disable_client("App 1").await.is_err());
}

/// After a switchover, the pooler connects to a standby with paused replay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standby_behind_a_pooler_never_admits_a_revoked_key() {
    let server = Postgres::start();
    let database = server.database();
    let primary = store_with_key(&database).await;
    let standby = server.standby();
    let pooler = Pgbouncer::start(&database);
    let url = database.url_at(pooler.port());
    let store = options(&url).through_pooler().connect().await.unwrap();
    let reading = options(&url).through_pooler().allow_standby().connect().await.unwrap();
    for store in [&store, &reading] {
        assert_eq!(request(store, KEY).await.unwrap().name(), "App 1");
    }
    let key_id = primary.list_keys(None).await.unwrap()[0].key_id;
    primary.revoke(&key_id).await.unwrap();
    let error = request(&store, KEY).await.unwrap_err();
    assert_eq!(error.reason(), Some(WrongReason::Revoked));

    pooler.lead_to(&database, standby.port());
    let since = std::time::Instant::now();
    let error = loop {
        match request(&store, KEY).await {
            Err(error) if error.reason() == Some(WrongReason::Revoked) => {}
            response => break response.unwrap_err(),
        }
        assert!(since.elapsed() < PATIENCE, "the pooler leads to the standby");
    };
    let AuthError::Unavailable(error) = error else { panic!("{error:?}") };
    assert!(error.source().unwrap().to_string().contains("is a standby"), "{error:?}");
    assert!(store.list_keys(None).await.is_err());
    assert_eq!(request(&reading, KEY).await.unwrap().name(), "App 1");

    pooler.lead_to(&database, server.port());
    let since = std::time::Instant::now();
    while request(&store, KEY).await.unwrap_err().reason() != Some(WrongReason::Revoked) {
        assert!(since.elapsed() < PATIENCE, "the pooler leads to the primary");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_of_another_store_is_an_outage() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    let other = Postgres::start();
    let copy = other.database();
    assert_eq!(copy.name(), database.name());
    store_with_key(&copy).await;
    let wire = Wire::to(server.port());
    let store = options(&database.url_at(wire.port())).connect().await.unwrap();
    assert!(request(&store, KEY).await.is_ok());

    wire.lead_to(other.port());
    server.restart();
    let error = request(&store, KEY).await.unwrap_err();
    let AuthError::Unavailable(error) = error else { panic!("{error:?}") };
    assert!(error.source().unwrap().to_string().contains("a different store"), "{error:?}");
    let error = store.disable_client("App 1").await.unwrap_err();
    assert!(error.to_string().contains("a different store"), "{error}");

    wire.lead_to(server.port());
    other.restart();
    assert!(request(&store, KEY).await.is_ok());
}
