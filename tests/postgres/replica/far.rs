//! A distant database, behind a proxy that counts round trips.

use std::time::Duration;

use keygate::store::Replica;

use crate::replica::fixture::{
    Response, connect, is_revoked, replica_with_keys, request, revoke, until,
};
use crate::servers::{Postgres, Wire};

/// Waits for a poll that begins from now on.
async fn polled(replica: &Replica) {
    let contact = || replica.health().last_contact.unwrap();
    let before = contact();
    until("a poll", || {
        let since = contact().duration_since(before).unwrap_or_default();
        since > Duration::from_millis(100)
    })
    .await;
}

#[tokio::test]
async fn poll_takes_one_round_trip_and_a_revocation_two() {
    let database = Postgres::shared().database();
    drop(replica_with_keys(&database, 8).await);
    let wire = Wire::to(database.server().port());
    let replica = connect(&database.url_at(wire.port())).await.unwrap();
    polled(&replica).await;
    let before = wire.trips();
    polled(&replica).await;
    assert_eq!(wire.trips() - before, 1);
    // A regular poll may run in between.
    let mut trips = Vec::new();
    for number in 0..8 {
        let before = wire.trips();
        database.psql(&revoke(number));
        until("a revoke", || is_revoked(&replica, number)).await;
        trips.push(wire.trips() - before);
    }
    assert_eq!(trips.iter().min(), Some(&2), "{trips:?}");
}

#[tokio::test]
async fn unknown_keys_of_a_distant_database_do_not_flap() {
    let database = Postgres::shared().database();
    drop(replica_with_keys(&database, 1).await);
    let wire = Wire::to(database.server().port());
    let replica = connect(&database.url_at(wire.port())).await.unwrap();
    wire.delay(Duration::from_millis(800));
    // Earlier measurements do not apply to the first poll.
    polled(&replica).await;
    polled(&replica).await;
    let since = std::time::Instant::now();
    while since.elapsed() < Duration::from_secs(6) {
        assert_eq!(request(&replica, 9), Response::Unknown, "{:?}", replica.health());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
