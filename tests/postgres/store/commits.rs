//! Durable commits, and errors for unconfirmed ones.

use std::error::Error as _;
use std::time::{Duration, Instant};

use keygate::ManageKeys as _;
use keygate::manage::ManageError;

use crate::servers::Postgres;
use crate::store::{KEY, OTHER_KEY, PATIENCE, issue, options, request, store_with_key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revocation_survives_a_crash_with_asynchronous_commits() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    server.psql("alter system set wal_writer_delay = '10s'");
    server.psql(&format!("alter database {} set synchronous_commit = off", database.name()));
    server.restart();
    let store = options(&database.url()).connect().await.unwrap();
    let id = store.list_keys(None).await.unwrap()[0].key_id;
    store.revoke(&id).await.unwrap();
    server.kill();
    server.restart();
    let store = options(&database.url()).connect().await.unwrap();
    assert!(store.find_key(&id).await.unwrap().revoked.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_wait_for_the_disk_despite_the_default() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    database.psql(
        "create table seen (setting text); \
         create function audit() returns trigger language plpgsql security definer as $$ begin \
         insert into public.seen values (current_setting('synchronous_commit')); return null; end $$; \
         create trigger audit after insert on keygate.keys execute function audit()",
    );
    for (default, used) in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")] {
        let name = database.name();
        database.psql(&format!("alter database {name} set synchronous_commit = {default}"));
        let store = options(&database.url()).connect().await.unwrap();
        issue(&store, &format!("{default}-{OTHER_KEY}")).await;
        assert_eq!(database.psql("select setting from seen; delete from seen"), used, "{default}");
    }
    assert!(request(&store, KEY).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unconfirmed_commit_may_still_take_effect() {
    let server = Postgres::start();
    let database = server.database();
    let store = store_with_key(&database).await;
    let id = store.list_keys(None).await.unwrap()[0].key_id;
    server.psql("alter system set synchronous_standby_names = 'missing'");
    server.psql("select pg_reload_conf()");
    let since = Instant::now();
    while server.psql("show synchronous_standby_names") != "missing" {
        assert!(since.elapsed() < PATIENCE);
    }
    let error = store.revoke(&id).await.unwrap_err();
    let ManageError::Unavailable(error) = &error else { panic!("{error:?}") };
    let shown = error.source().unwrap().to_string();
    for text in
        ["did not confirm the commit", "`synchronous_standby_names`", "may still take effect"]
    {
        assert!(shown.contains(text), "{shown}");
    }
    assert!(since.elapsed() < Duration::from_secs(40), "{:?}", since.elapsed());
    server.psql("alter system reset synchronous_standby_names");
    server.psql("select pg_reload_conf()");
    while store.find_key(&id).await.unwrap().revoked.is_none() {
        assert!(since.elapsed() < PATIENCE);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_default_is_named_when_it_prevents_changes() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    let set = "set default_transaction_read_only = on";
    database.psql(&format!("alter database {} {set}", database.name()));
    let store = options(&database.url()).connect().await.unwrap();
    assert!(request(&store, KEY).await.is_ok());
    let error = store.disable_client("App 1").await.unwrap_err();
    let ManageError::Unavailable(error) = &error else { panic!("{error:?}") };
    let shown = error.source().unwrap().to_string();
    assert!(shown.contains("`default_transaction_read_only` is on"), "{shown}");
}
