//! Servers that do not reveal their identity.

use keygate::store::Replica;

use crate::replica::fixture::{connect, is_active, is_revoked, issue, migrate, revoke, until};
use crate::servers::{Database, Postgres};

/// Revoked, as by a cautious owner.
const CLUSTER: &str = "revoke execute on function pg_control_system() from public";
const WAL: &str = "revoke execute on function pg_current_wal_lsn() from public";
const START: &str = "revoke execute on function pg_postmaster_start_time() from public";

/// As on Amazon Aurora, even for its superuser.
const AURORA: &str = "
alter function pg_catalog.pg_current_wal_lsn() rename to pg_current_wal_lsn_of_its_own;
create function pg_catalog.pg_current_wal_lsn() returns pg_lsn language plpgsql as $$
begin
    raise exception 'wal_level must be set to logical' using errcode = '55000';
end $$";

/// With the documented grants.
async fn hardened(database: &Database<'_>, by: &[&str]) -> Replica {
    migrate(&database.url()).await;
    database.psql(&issue(0, 4, "User 1"));
    let grants = include_str!("../../../src/store/postgres/grants/serving.sql");
    let role = format!("serving_{}", database.name());
    database.psql(&grants.replace("'...'", "'c4n4ry'").replace("keygate_serving", &role));
    for sql in by {
        database.psql(sql);
    }
    let url = database.url_as(&role, "c4n4ry");
    let error = crate::servers::query(&url, "select pg_walfile_name(pg_current_wal_lsn())");
    assert_eq!(error.is_err(), by.contains(&WAL) || by.contains(&AURORA), "{error:?}");
    connect(&url).await.unwrap()
}

fn counts(replica: &Replica) -> (u64, u64) {
    let health = replica.health();
    (health.loads, health.resets)
}

#[tokio::test]
async fn hardened_servers_are_followed() {
    let server = Postgres::start();
    for (by, loads) in
        [(&[][..], 1), (&[CLUSTER], 1), (&[WAL], 1), (&[AURORA], 1), (&[CLUSTER, WAL, START], 2)]
    {
        let database = server.database();
        let replica = hardened(&database, by).await;
        database.psql(&revoke(0));
        until("a revoke", || is_revoked(&replica, 0)).await;
        assert_eq!(counts(&replica), (1, 0), "{by:?}");
        database.psql(
            "select pg_terminate_backend(pid, 60000) from pg_stat_activity \
             where application_name = 'keygate' and datname = current_database()",
        );
        database.psql(&revoke(1));
        until("a revoke", || is_revoked(&replica, 1)).await;
        assert_eq!(counts(&replica), (loads, 0), "{by:?}");
    }
}

#[tokio::test]
async fn hardened_server_is_loaded_from_without_an_alert() {
    let server = Postgres::start();
    let database = server.database();
    let replica = hardened(&database, &[CLUSTER, WAL]).await;
    server.restart();
    until("a load", || counts(&replica) == (2, 0)).await;
    database.psql(&revoke(0));
    until("a revoke", || is_revoked(&replica, 0)).await;
    assert_eq!(counts(&replica), (2, 0));
}

/// A later state with the same number of events and transactions, but without those that the replica has seen.
#[tokio::test]
async fn older_state_of_a_hardened_server_is_reported() {
    let server = Postgres::start();
    let database = server.database();
    let replica = hardened(&database, &[AURORA]).await;
    server.shutdown_fast();
    let saved = server.save();
    server.restart();
    database.psql(&revoke(0));
    until("a revoke", || is_revoked(&replica, 0)).await;
    server.kill();
    server.put_back(&saved);
    server.restart();
    database.psql(
        "do $$ begin for n in 1..50 loop perform pg_current_xact_id(); commit; end loop; end $$",
    );
    database.psql(&revoke(1));
    until("the older state", || is_active(&replica, 0) && is_revoked(&replica, 1)).await;
    assert_eq!(replica.health().resets, 1);
}
