//! The contract of all stores.

use keygate::store::Replica;
use keygate::testing::store_contract;

use crate::filling::fill;
use crate::replica::fixture::{connect, migrate, until};
use crate::servers::Postgres;

#[tokio::test]
async fn loaded_keys_keep_the_contract() {
    store_contract(async |records| {
        let database = Postgres::shared().database();
        migrate(&database.url()).await;
        fill(&database, &records);
        connect(&database.url()).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn followed_keys_keep_the_contract() {
    store_contract(async |records| -> Replica {
        let database = Postgres::shared().database();
        migrate(&database.url()).await;
        let replica = connect(&database.url()).await.unwrap();
        fill(&database, &records);
        // The whole change must have arrived, since a client may be disabled after its keys are added.
        database.psql("insert into keygate.clients (name) values ('the last')");
        let clients: usize = database.psql("select count(*) from keygate.clients").parse().unwrap();
        until("all is followed", || replica.health().clients == clients).await;
        replica
    })
    .await;
}
