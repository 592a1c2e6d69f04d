use std::fs;
use std::path::Path;

use keygate::manage::TransferKeys as _;
use keygate::store::{PostgresStore, Replica};
use keygate::testing::{assert_finds_keys, keys_of_every_kind};

use crate::replica::fixture::{connect, migrate, until};
use crate::servers::Postgres;

#[tokio::test]
async fn replica_keeps_every_fact_of_a_key() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snapshot of every fact");
    let _ = fs::remove_file(&path);
    let (server, keys) = (Postgres::start(), keys_of_every_kind());
    migrate(&server.url()).await;
    let followed = connect(&server.url()).await.unwrap();
    let store = PostgresStore::connect(&server.url()).await.unwrap();
    assert!(store.import_keys(&keys).await.unwrap().is_complete());
    let options = || Replica::options(&server.url()).unwrap().with_snapshot(&path);
    let loaded = options().connect().await.unwrap();
    assert_finds_keys(&keys, &loaded).await;
    let counts = |replica: &Replica| (replica.health().clients, replica.health().keys);
    until("all clients and keys", || counts(&followed) == counts(&loaded)).await;
    assert_finds_keys(&keys, &followed).await;
    until("a snapshot", || path.exists()).await;
    server.kill();
    let restored = options().start();
    restored.ready().await.unwrap();
    assert_finds_keys(&keys, &restored).await;
}
