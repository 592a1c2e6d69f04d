//! Databases that went back in time, or were replaced.

use std::time::{Duration, Instant};

use keygate::store::Replica;

use crate::replica::fixture::{
    Response, is_active, is_revoked, issue, migrate, request, revoke, until,
};
use crate::servers::Postgres;

async fn fixture() -> (Postgres, Replica) {
    let server = Postgres::start();
    migrate(&server.url()).await;
    server.psql(&issue(0, 3, "User 1"));
    let replica = Replica::connect(&server.url()).await.unwrap();
    (server, replica)
}

#[tokio::test]
async fn older_state_is_loaded_and_reported() {
    let (server, replica) = fixture().await;
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
    until("the old keys are gone", || request(&replica, 3) == Response::Unknown).await;
    assert_eq!(replica.health().resets, 1);
    server.psql(&revoke(1));
    until("a change after it", || is_revoked(&replica, 1)).await;
}

/// After the same number of transactions, so that only the events distinguish the two states.
#[tokio::test]
async fn diverged_older_state_is_loaded_and_reported() {
    let (server, replica) = fixture().await;
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
async fn promoted_standby_is_loaded_and_reported() {
    let (server, replica) = fixture().await;
    server.restart_promoted();
    until("a reset", || replica.health().resets == 1).await;
    server.psql(&revoke(0));
    until("a change", || is_revoked(&replica, 0)).await;
    assert!(is_active(&replica, 1));
}

#[tokio::test]
async fn another_server_is_loaded_and_reported() {
    let (server, replica) = fixture().await;
    server.kill();
    server.replace();
    server.restart();
    until("the lack of tables", || {
        matches!(replica.health().error, Some(keygate::store::DatabaseError::NoTables))
    })
    .await;
    assert!(is_active(&replica, 0));
    migrate(&server.url()).await;
    server.psql(&issue(7, 8, "User 2"));
    until("its keys", || is_active(&replica, 7)).await;
    until("the old keys are gone", || request(&replica, 0) == Response::Unknown).await;
    assert_eq!(replica.health().resets, 1);
}

#[tokio::test]
async fn recreated_tables_are_loaded_and_reported() {
    let database = Postgres::shared().database();
    migrate(&database.url()).await;
    database.psql(&issue(0, 3, "User 1"));
    let replica = Replica::connect(&database.url()).await.unwrap();
    database.psql("drop schema keygate cascade");
    migrate(&database.url()).await;
    database.psql(&issue(7, 8, "User 2"));
    until("its keys", || is_active(&replica, 7)).await;
    until("the old keys are gone", || request(&replica, 0) == Response::Unknown).await;
    assert_eq!(replica.health().resets, 1);
}

const TRANSACTIONS: &str =
    "do $$ begin for n in 1..200 loop perform pg_current_xact_id(); commit; end loop; end $$";

/// The events of lost changes are missing, and their transaction ids are assigned again, one of them to a revocation.
#[tokio::test]
async fn revocation_with_a_reused_transaction_id_is_seen() {
    let server = Postgres::start();
    let database = server.database();
    migrate(&database.url()).await;
    database.psql(&issue(0, 4, "User 1"));
    let serving = include_str!("../../../src/store/postgres/grants/serving.sql");
    database.psql(&serving.replace("'...'", "'c4n4ry'"));
    let url = database.url_as("keygate_serving", "c4n4ry");
    let replica = Replica::connect(&url).await.unwrap();
    // The replica cannot connect while the data are replaced and changed.
    database.psql("alter role keygate_serving nologin");
    server.shutdown_fast();
    let saved = server.save();
    server.restart();
    database.psql("alter role keygate_serving login");
    let near = Duration::from_millis(300);
    let in_contact =
        || replica.health().error.is_none() && replica.health().lag.is_some_and(|lag| lag < near);
    until("contact", in_contact).await;
    database.psql(TRANSACTIONS);
    let now = || database.psql("select pg_current_xact_id()").parse::<u64>().unwrap();
    let lost = now();
    let started = Instant::now();
    until("a poll after them", || {
        replica.health().lag.is_some_and(|lag| started.elapsed() > lag + near)
    })
    .await;
    server.kill();
    server.put_back(&saved);
    server.restart();
    database.psql(&revoke(0));
    database.psql(TRANSACTIONS);
    database.psql(TRANSACTIONS);
    assert!(now() > lost);
    database.psql("alter role keygate_serving login");
    database.psql(&revoke(1));
    until("the later revoke", || is_revoked(&replica, 1)).await;
    assert!(is_revoked(&replica, 0), "the earlier one");
}

/// Old events from a dump are skipped, and do not count as activity of this cluster.
#[tokio::test]
async fn events_of_a_dump_do_not_displace_recent_ones() {
    let server = Postgres::start();
    migrate(&server.url()).await;
    server.psql(&issue(0, 4, "User 1"));
    server.psql(
        "insert into keygate.events (txid, actor, tool, action, client)
        select (pg_current_xact_id()::text::bigint + 50 + n)::text::xid8, 'a', 't', 'client.changed', 'User 1'
        from generate_series(1, 20) n",
    );
    let replica = Replica::connect(&server.url()).await.unwrap();
    server.shutdown_fast();
    let saved = server.save();
    server.restart();
    server.psql(&revoke(0));
    until("a revoke", || is_revoked(&replica, 0)).await;
    server.psql(TRANSACTIONS);
    server.psql(&revoke(2));
    until("a revoke after them", || is_revoked(&replica, 2)).await;
    server.kill();
    server.put_back(&saved);
    server.restart();
    server.psql(TRANSACTIONS);
    server.psql(TRANSACTIONS);
    server.psql(&revoke(1));
    until("a later revoke", || is_revoked(&replica, 1)).await;
    until("the older state", || is_active(&replica, 0)).await;
    assert_eq!(replica.health().resets, 1);
}
