//! A distant database.

use std::time::{Duration, Instant};

use keygate::store::PostgresStore;

use crate::servers::{Postgres, Wire};
use crate::store::{KEY, PATIENCE, request, store_with_key};

/// Connecting takes longer than the deadline of a lookup.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connecting_to_a_distant_database_outlasts_lookups() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    let wire = Wire::to(database.server().port());
    let store = PostgresStore::connect(&database.url_at(wire.port())).await.unwrap();
    wire.delay(Duration::from_millis(400));
    let since = Instant::now();
    while request(&store, KEY).await.is_err() {
        assert!(since.elapsed() < PATIENCE);
    }
    println!("connected after {:?}", since.elapsed());
}
