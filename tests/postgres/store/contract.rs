//! The public suites.

use keygate::testing::{manage_contract, store_contract};

use crate::filling::fill;
use crate::servers::Postgres;
use crate::store::{migrated, options};

#[tokio::test]
async fn lookups_keep_the_contract() {
    store_contract(async |records| {
        let database = Postgres::shared().database();
        let store = migrated(&database).await;
        fill(&database, &records);
        store
    })
    .await;
}

#[tokio::test]
async fn lookups_over_many_connections_keep_the_contract() {
    store_contract(async |records| {
        let database = Postgres::shared().database();
        let options = options(&database.url()).with_max_connections(3);
        let store = options.migrate().await.unwrap();
        fill(&database, &records);
        store
    })
    .await;
}

#[tokio::test]
async fn managing_keeps_the_contract() {
    manage_contract(async |clock| {
        migrated(&Postgres::shared().database()).await.with_clock(clock.reader())
    })
    .await;
}

#[tokio::test]
async fn managing_over_many_connections_keeps_the_contract() {
    manage_contract(async |clock| {
        let database = Postgres::shared().database();
        let options = options(&database.url()).with_max_connections(4);
        options.migrate().await.unwrap().with_clock(clock.reader())
    })
    .await;
}
