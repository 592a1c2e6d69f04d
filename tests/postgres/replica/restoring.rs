//! Restoring dumps, and their intermediate states.

use keygate::store::{Replica, ReplicaHealth};

use crate::replica::fixture::{
    Response, connect, is_active, is_revoked, issue, migrate, replica_with_keys, request, revoke,
    until,
};
use crate::servers::Postgres;

/// Triggers are restored last, so rows are restored without events.
#[tokio::test]
async fn dump_restored_in_place_is_served_once_it_can_be_followed() {
    let database = Postgres::shared().database();
    let replica = replica_with_keys(&database, 5).await;
    let dump = database.dump("whole");
    database.psql("drop schema keygate cascade");
    dump.restore("pre-data");
    // A session that reconnects in between finds no migration in the tables without rows.
    until("the lack of tables or triggers", || {
        let health = replica.health();
        lacks_triggers(&health)
            || health.error.is_some_and(|error| error.to_string().contains("no tables"))
    })
    .await;
    dump.restore("data");
    // Not ready, whatever part of the tables is restored.
    let late = Replica::options(&database.url()).unwrap().start();
    until("the lack of triggers", || lacks_triggers(&late.health())).await;
    assert!(!late.is_ready());
    assert!(is_active(&replica, 0));
    dump.restore("post-data");
    until("all keys", || late.is_ready() && (0..5).all(|number| is_active(&late, number))).await;
    until("contact", || replica.health().error.is_none()).await;
    assert!((0..5).all(|number| is_active(&replica, number)));
    database.psql(&revoke(0));
    until("a revoke", || is_revoked(&replica, 0) && is_revoked(&late, 0)).await;
}

fn lacks_triggers(health: &ReplicaHealth) -> bool {
    health.error.as_ref().is_some_and(|error| error.to_string().contains("triggers"))
}

#[tokio::test]
async fn changes_without_triggers_arrive_once_they_are_enabled() {
    let database = Postgres::shared().database();
    let replica = replica_with_keys(&database, 3).await;
    database.psql("alter table keygate.keys disable trigger user");
    database.psql(&revoke(0));
    until("the lack of triggers", || lacks_triggers(&replica.health())).await;
    until("that it may have been issued", || request(&replica, 7) == Response::Unavailable).await;
    database.psql("alter table keygate.keys enable trigger user");
    until("the revoke", || is_revoked(&replica, 0)).await;
    // Disabled and enabled again between two polls.
    database.psql(&format!(
        "begin; alter table keygate.keys disable trigger updated; {};
        alter table keygate.keys enable trigger updated; commit",
        revoke(1)
    ));
    until("the revoke", || is_revoked(&replica, 1)).await;
}

/// Events keep the transaction numbers of their original cluster.
#[tokio::test]
async fn events_with_future_transaction_ids_are_read_only_once() {
    let database = Postgres::shared().database();
    migrate(&database.url()).await;
    let numbers = "insert into keygate.events (txid, actor, tool, action, client)
        select (pg_current_xact_id()::text::bigint + 1000000 + n)::text::xid8, 'a', 't', 'client.changed', 'User 1'
        from generate_series(1, 200500) n";
    database.psql(numbers);
    let replica = connect(&database.url()).await.unwrap();
    database.psql(&issue(0, 20, "User 1"));
    for number in 0..20 {
        database.psql(&revoke(number));
        until("a revoke", || is_revoked(&replica, number)).await;
    }
    assert_eq!((replica.health().loads, replica.health().resets), (1, 0));
}
