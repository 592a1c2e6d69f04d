//! Missing notifications, because the queue is full or `listen` is slow.

use std::thread;
use std::time::Duration;

use keygate::store::PostgresStore;

use crate::replica::fixture::{connect, is_active, is_revoked, replica_with_keys, revoke, until};
use crate::servers::{Postgres, Wire, query};

/// Fills more than one percent of the queue, while a listener of another database sleeps in a transaction.
const FILL: &str =
    "select count(pg_notify('other', n || repeat('x', 7900))) from generate_series(1, 13000) n";
const USAGE: &str = "select pg_notification_queue_usage() > 0.01";

#[tokio::test]
async fn full_queue_stops_notifications_but_no_change() {
    let server = Postgres::start();
    let database = server.database();
    let replica = replica_with_keys(&database, 3).await;
    assert_eq!(replica.health().no_wake_ups, None);
    let url = server.url();
    let sleeper = thread::spawn(move || {
        query(&url, "listen other; begin; select pg_sleep(600)").unwrap_err();
    });
    let asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
    until("the listener sleeps", || server.psql(asleep) == "1").await;
    server.psql(FILL);
    assert_eq!(server.psql(USAGE), "t");
    let notified = query(&database.url(), &format!("listen keygate; {}", revoke(0))).unwrap();
    assert!(!notified.contains("notification"), "{notified}");
    until("a revoke", || is_revoked(&replica, 0)).await;
    until("the failure is reported", || {
        replica.health().no_wake_ups.is_some_and(|why| why.contains("queue of notifications"))
    })
    .await;
    let findings = PostgresStore::options(&database.url()).unwrap().inspect().await.unwrap();
    assert!(findings.iter().any(|found| found.name == "notify-queue"), "{findings:?}");
    let other = connect(&database.url()).await.unwrap();
    assert!(is_revoked(&other, 0) && is_active(&other, 1));

    server.psql(
        "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'",
    );
    sleeper.join().unwrap();
    until("wake-ups come again", || replica.health().no_wake_ups.is_none()).await;
    let notified = query(&database.url(), &format!("listen keygate; {}", revoke(1))).unwrap();
    assert!(notified.contains("notification \"keygate\""), "{notified}");
    until("a revoke", || is_revoked(&other, 1)).await;
}

#[tokio::test]
async fn slow_listen_falls_back_to_polling() {
    let database = Postgres::shared().database();
    drop(replica_with_keys(&database, 3).await);
    let wire = Wire::to(database.server().port());
    wire.swallow(Some("LISTEN"));
    let replica = connect(&database.url_at(wire.port())).await.unwrap();
    let reason = replica.health().no_wake_ups;
    assert!(
        reason.as_ref().is_some_and(|why| why.contains("`listen` took too long")),
        "{reason:?}"
    );
    database.psql(&revoke(0));
    until("a revoke", || is_revoked(&replica, 0)).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(replica.health().error.is_none(), "{:?}", replica.health());
}
