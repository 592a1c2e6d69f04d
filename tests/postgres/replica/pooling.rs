//! Replicas behind a pooler in transaction mode, which loses notifications.

use keygate::key::KeyState;
use keygate::store::{PostgresStore, Replica};
use keygate::{KeyStore as _, ManageKeys as _};

use crate::replica::fixture::{is_active, is_revoked, issue, key_id, migrate, revoke, until};
use crate::servers::{Pgbouncer, Postgres};

#[tokio::test]
async fn pooler_serves_replicas_and_changes() {
    let database = Postgres::shared().database();
    let pooler = Pgbouncer::start(&database);
    let url = database.url_at(pooler.port());
    migrate(&url).await;
    database.psql(&issue(0, 20, "User 1"));
    let (mut replicas, mut stores) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let options = Replica::options(&url).unwrap().through_pooler();
        replicas.push(options.connect().await.unwrap());
    }
    for number in 0..5 {
        database.psql(&revoke(number));
        until("a revoke", || replicas.iter().all(|replica| is_revoked(replica, number))).await;
    }
    for number in 0..15 {
        // Several stores use several connections of the pooler.
        let store = PostgresStore::options(&url).unwrap().through_pooler().connect().await.unwrap();
        let record = store.lookup(crate::replica::fixture::digest(number)).await.unwrap().unwrap();
        assert_eq!(record.state() == KeyState::Revoked, number < 5);
        assert_eq!(record.profile().name(), "User 1");
        stores.push(store);
    }
    for number in 5..10 {
        // Each change uses its own store, like the tool.
        let store = PostgresStore::connect(&url).await.unwrap();
        let key_id = key_id(number);
        store.revoke(&key_id).await.unwrap();
        store.add_client(format!("Client {number}").into()).await.unwrap();
        let clients = store.list_clients().await.unwrap();
        assert!(clients.iter().any(|client| client.profile.name().ends_with(&number.to_string())));
        until("a revoke", || replicas.iter().all(|replica| is_revoked(replica, number))).await;
    }
    for replica in &replicas {
        assert!(is_active(replica, 10));
        assert_eq!((replica.health().loads, replica.health().resets), (1, 0));
    }
}
