//! The round trips of the store, counted by a proxy.

use keygate::ManageKeys as _;

use crate::servers::{Postgres, Wire};
use crate::store::{KEY, OTHER_KEY, options, request, store_with_key};

async fn trips<T>(wire: &Wire, work: impl Future<Output = T>) -> usize {
    let before = wire.trips();
    drop(work.await);
    wire.trips() - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lookup_takes_one_round_trip() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    let wire = Wire::to(database.server().port());
    for pooled in [false, true] {
        let options = options(&database.url_at(wire.port()));
        let options = if pooled { options.through_pooler() } else { options };
        let store = options.connect().await.unwrap();
        assert!(request(&store, KEY).await.is_ok());
        for key in [KEY, OTHER_KEY] {
            assert_eq!(trips(&wire, request(&store, key)).await, 1, "pooled: {pooled}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transaction_begins_in_one_round_trip() {
    let database = Postgres::shared().database();
    let key_id = store_with_key(&database).await.list_keys(None).await.unwrap()[0].key_id;
    let wire = Wire::to(database.server().port());
    let store = options(&database.url_at(wire.port())).connect().await.unwrap();
    store.list_keys(None).await.unwrap();
    let listed = trips(&wire, store.list_keys(None)).await;
    let revoked = trips(&wire, store.revoke(&key_id)).await;
    println!("a list: {listed} round trips; a revoke: {revoked}");
    // A dropped transaction is rolled back in the background.
    assert!(listed <= 6 && revoked <= 12, "{listed} {revoked}");
}
