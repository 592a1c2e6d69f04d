//! Databases that went back in time, or are others.

use keygate::Replica;

use crate::servers::Postgres;
use crate::stage::{Answer, ask, is_active, is_revoked, issue, migrate, revoke, until};

async fn scene() -> (Postgres, Replica) {
    let server = Postgres::start();
    migrate(&server.url()).await;
    server.psql(&issue(0, 3, "User 1"));
    let replica = Replica::connect(&server.url()).await.unwrap();
    (server, replica)
}

#[tokio::test]
async fn older_state_is_loaded_and_told() {
    let (server, replica) = scene().await;
    server.shutdown_fast();
    let saved = server.save();
    server.restart();
    server.psql(&issue(3, 4, "User 1"));
    server.psql(&revoke(0));
    until("the changes", || is_revoked(&replica, 0) && is_active(&replica, 3)).await;
    server.kill();
    server.put_back(&saved);
    server.restart();
    until("the older state", || is_active(&replica, 0)).await;
    until("the old keys are gone", || ask(&replica, 3) == Answer::Unknown).await;
    assert_eq!(replica.health().resets, 1);
    server.psql(&revoke(1));
    until("a change after it", || is_revoked(&replica, 1)).await;
}

/// As many transactions later, so that only what was seen tells the two states apart.
#[tokio::test]
async fn older_state_that_went_on_is_loaded_and_told() {
    let (server, replica) = scene().await;
    server.shutdown_fast();
    let saved = server.save();
    server.restart();
    server.psql(&revoke(0));
    until("the change", || is_revoked(&replica, 0)).await;
    server.kill();
    server.put_back(&saved);
    server.restart();
    for _ in 0..20 {
        server.psql("create table t (); drop table t");
    }
    server.psql(&revoke(1));
    until("the older state", || is_active(&replica, 0) && is_revoked(&replica, 1)).await;
    assert_eq!(replica.health().resets, 1);
}

#[tokio::test]
async fn standby_that_took_over_is_loaded_and_told() {
    let (server, replica) = scene().await;
    server.restart_promoted();
    until("a reset", || replica.health().resets == 1).await;
    server.psql(&revoke(0));
    until("a change", || is_revoked(&replica, 0)).await;
    assert!(is_active(&replica, 1));
}

#[tokio::test]
async fn another_server_is_loaded_and_told() {
    let (server, replica) = scene().await;
    server.kill();
    server.replace();
    server.restart();
    until("the lack of tables", || {
        matches!(replica.health().error, Some(keygate::DatabaseError::NoTables))
    })
    .await;
    assert!(is_active(&replica, 0));
    migrate(&server.url()).await;
    server.psql(&issue(7, 8, "User 2"));
    until("its keys", || is_active(&replica, 7)).await;
    until("the old keys are gone", || ask(&replica, 0) == Answer::Unknown).await;
    assert_eq!(replica.health().resets, 1);
}

#[tokio::test]
async fn tables_that_were_made_again_are_loaded_and_told() {
    let database = Postgres::shared().database();
    migrate(&database.url()).await;
    database.psql(&issue(0, 3, "User 1"));
    let replica = Replica::connect(&database.url()).await.unwrap();
    database.psql("drop schema keygate cascade");
    migrate(&database.url()).await;
    database.psql(&issue(7, 8, "User 2"));
    until("its keys", || is_active(&replica, 7)).await;
    until("the old keys are gone", || ask(&replica, 0) == Answer::Unknown).await;
    assert_eq!(replica.health().resets, 1);
}
