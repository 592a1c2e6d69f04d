//! From the start to the first load.

use keygate::store::{DatabaseError, Replica};

use crate::replica::fixture::{Response, connect, is_active, issue, migrate, request, until};
use crate::servers::Postgres;

#[tokio::test]
async fn nothing_is_served_before_the_first_load() {
    let server = Postgres::start();
    migrate(&server.url()).await;
    server.psql(&issue(0, 1, "User 1"));
    server.stop();
    let replica = Replica::options(&server.url()).unwrap().start();
    assert!(!replica.is_ready());
    assert_eq!(request(&replica, 0), Response::Unavailable);
    assert_eq!(request(&replica, 1), Response::Unavailable);
    server.resume();
    replica.ready().await.unwrap();
    assert!(replica.is_ready() && is_active(&replica, 0));
    assert_eq!(request(&replica, 1), Response::Unknown);
}

#[tokio::test]
async fn missing_tables_are_reported_and_found_later() {
    let database = Postgres::shared().database();
    let replica = Replica::options(&database.url()).unwrap().start();
    assert!(matches!(replica.ready().await, Err(DatabaseError::NoTables)));
    assert!(matches!(replica.health().error, Some(DatabaseError::NoTables)));
    assert!(connect(&database.url()).await.is_err());
    migrate(&database.url()).await;
    until("ready", || replica.is_ready()).await;
    until("no error", || replica.health().error.is_none()).await;
    replica.ready().await.unwrap();
}

#[tokio::test]
async fn wrong_password_is_reported_and_not_shown() {
    let database = Postgres::shared().database();
    let error = connect(&database.url_as(Postgres::OWNER, "c4n4ry")).await.unwrap_err();
    assert!(error.to_string().contains("password"), "{error}");
    assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{error:?}");
}

#[tokio::test]
async fn many_keys_are_loaded_in_full() {
    let database = Postgres::shared().database();
    migrate(&database.url()).await;
    database.psql(&issue(0, 50_000, "User 1"));
    let replica = connect(&database.url()).await.unwrap();
    assert!((0..50_000).all(|number| is_active(&replica, number)));
    assert_eq!(replica.health().keys, 50_000);
    assert!((50_000..51_000).all(|number| request(&replica, number) == Response::Unknown));
}
