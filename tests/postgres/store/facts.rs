use crate::facts;
use crate::servers::Postgres;
use crate::store::migrated;

#[tokio::test]
async fn database_keeps_every_fact_of_a_key() {
    let databases = [(); 3].map(|()| Postgres::shared().database());
    facts::are_kept(async |place, clock| {
        migrated(&databases[place]).await.with_clock(clock.reader())
    })
    .await;
}
