//! Many instances on one database.

use keygate::store::Replica;

use crate::replica::fixture::{is_active, is_revoked, issue, revoke, until};
use crate::servers::Postgres;

#[tokio::test]
async fn fifty_replicas_start_at_once_on_an_empty_database() {
    const FLEET: usize = 50;
    let server = Postgres::start();
    let options = Replica::options(&server.url()).unwrap().migrate();
    let replicas = (0..FLEET).map(|_| options.clone().start()).collect::<Vec<_>>();
    for replica in &replicas {
        replica.ready().await.unwrap();
    }
    let connections = "select count(*) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()";
    assert_eq!(server.psql(connections), FLEET.to_string());
    assert_eq!(server.psql("select count(*) = max(version) from keygate.migrations"), "t");
    server.psql(&issue(0, 1, "User 1"));
    until("issued", || replicas.iter().all(|replica| is_active(replica, 0))).await;
    server.psql(&revoke(0));
    until("revoked", || replicas.iter().all(|replica| is_revoked(replica, 0))).await;
}
