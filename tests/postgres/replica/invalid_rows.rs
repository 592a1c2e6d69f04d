//! Invalid rows.

use crate::replica::fixture::{
    Response, at, connect, is_active, is_revoked, issue, replica_with_keys, request, revoke, until,
};
use crate::servers::Postgres;

#[tokio::test]
async fn invalid_rows_refuse_their_keys_and_stop_nothing() {
    let database = Postgres::shared().database();
    let replica = replica_with_keys(&database, 4).await;
    database.psql(&issue(4, 6, "User 2"));
    database.psql(&format!("update keygate.keys set expires = 'infinity' {}", at(0)));
    database.psql(&format!("update keygate.keys set algorithm = 'md5' {}", at(1)));
    database.psql("update keygate.clients set quota = '7' where name = 'User 2'");
    let bad = [0, 1, 4, 5];
    let refused = |replica: &keygate::store::Replica| {
        bad.iter().all(|&number| request(replica, number) == Response::Unavailable)
    };
    until("four are refused", || refused(&replica)).await;
    let late = connect(&database.url()).await.unwrap();
    for replica in [&replica, &late] {
        assert!(refused(replica));
        assert!(is_active(replica, 2) && is_active(replica, 3));
        assert_eq!(request(replica, 6), Response::Unknown);
        let health = replica.health();
        assert_eq!((health.refused_rows, health.refused.len(), health.keys), (4, 4, 2));
        assert!(health.refused.iter().any(|row| row.contains("quota")), "{health:?}");
    }
    database.psql(&revoke(2));
    until("a revoke", || is_revoked(&replica, 2) && is_revoked(&late, 2)).await;

    database.psql("update keygate.clients set quota = null");
    database.psql("update keygate.keys set expires = null, algorithm = 'sha256'");
    for replica in [&replica, &late] {
        until("all are mended", || bad.iter().all(|&number| is_active(replica, number))).await;
        assert_eq!(replica.health().refused_rows, 0);
    }
}

#[tokio::test]
async fn keys_without_a_client_are_refused_and_not_unknown() {
    let database = Postgres::shared().database();
    let replica = replica_with_keys(&database, 2).await;
    database.psql("set session_replication_role = replica; delete from keygate.clients");
    let late = connect(&database.url()).await.unwrap();
    assert_eq!([request(&late, 0), request(&late, 2)], [Response::Unavailable, Response::Unknown]);
    database.psql(&revoke(0));
    // The first replica has no event for the removed client, only for the revocation.
    until("a revoke", || is_revoked(&replica, 0)).await;
    // Once the other replica has applied this, it has applied the revocation, too.
    database.psql(&issue(2, 3, "User 2"));
    until("a key of another client", || is_active(&late, 2)).await;
    assert_eq!(request(&late, 0), Response::Unavailable);
    assert!(late.health().refused[0].contains("its client does not exist"));
}
