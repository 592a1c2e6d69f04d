//! A database that is far away.

use std::time::{Duration, Instant};

use keygate::store::PostgresStore;

use crate::servers::{Postgres, Wire};
use crate::store::{KEY, PATIENCE, ask, filled};

/// To connect takes longer than a lookup may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn far_database_is_connected_to_beside_lookups() {
    let database = Postgres::shared().database();
    filled(&database).await;
    let wire = Wire::to(database.server().port());
    let store = PostgresStore::connect(&database.url_at(wire.port())).await.unwrap();
    wire.delay(Duration::from_millis(400));
    let since = Instant::now();
    while ask(&store, KEY).await.is_err() {
        assert!(since.elapsed() < PATIENCE);
    }
    println!("connected after {:?}", since.elapsed());
}
