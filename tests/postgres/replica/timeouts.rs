//! Timeouts of the role.

use crate::replica::fixture::{connect, is_active, is_revoked, replica_with_keys, revoke, until};
use crate::servers::Postgres;

#[tokio::test]
async fn timeouts_of_the_role_end_no_load() {
    let server = Postgres::start();
    let database = server.database();
    drop(replica_with_keys(&database, 200_000).await);
    let grants = include_str!("../../../src/store/postgres/grants/serving.sql");
    database.psql(&grants.replace("'...'", "'c4n4ry'"));
    database.psql(
        "alter role keygate_serving set statement_timeout = '100ms';
        alter role keygate_serving set lock_timeout = '20ms';
        alter role keygate_serving set idle_in_transaction_session_timeout = '5ms';
        alter role keygate_serving set idle_session_timeout = '10s';",
    );
    let replica = connect(&database.url_as("keygate_serving", "c4n4ry")).await.unwrap();
    assert!(is_active(&replica, 199_999) && replica.health().loads == 1);
    // A poll waits for a lock until its own deadline.
    let (url, hold) = (database.url(), "begin; lock table keygate.events; select pg_sleep(0.5)");
    let terminal = std::thread::spawn(move || crate::servers::query(&url, hold));
    let failing = || replica.health().error.is_some();
    while !terminal.is_finished() {
        assert!(!failing(), "{:?}", replica.health());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    terminal.join().unwrap().unwrap();
    database.psql(&revoke(0));
    until("a revoke", || is_revoked(&replica, 0)).await;
}
