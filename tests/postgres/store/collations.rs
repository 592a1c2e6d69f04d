//! Indexes built with another sort order than the one in use.

use std::error::Error as _;

use keygate::key::KeyState;
use keygate::manage::ManageError;
use keygate::store::PostgresStore;
use keygate::{
    AuthError, KeyDigest, KeyRecord, KeyStore as _, ManageKeys as _, StoreError, WrongReason,
};

use crate::servers::{Database, Postgres, query};
use crate::store::{KEY, OTHER_KEY, migrated, request, store_with_key};

const FIRST: &str = include_str!("../../../src/store/postgres/migrations/0001.sql");

const CLIENTS: usize = 3000;

/// A client with a key for each number, in tables that are only read through their indexes.
fn fill(database: &Database<'_>) {
    database.psql(&format!(
        "insert into keygate.clients (name) select 'Client ' || n from generate_series(1, {CLIENTS}) n; \
         insert into keygate.keys (digest, client) \
         select sha256(convert_to('key ' || n, 'UTF8')), 'Client ' || n \
         from generate_series(1, {CLIENTS}) n"
    ));
    for setting in ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"] {
        database.psql(&format!("alter database {} set {setting} = off", database.name()));
    }
}

/// As after an upgrade of ICU: texts compare in another order, and the indexes are unchanged.
fn change_collation(database: &Database<'_>) {
    database.psql(
        "create collation public.numeric (provider = icu, locale = 'en-u-kn-true'); \
         set allow_system_table_mods = on; \
         update pg_attribute set attcollation = 'public.numeric'::regcollation \
         where attrelid in ('keygate.clients'::regclass, 'keygate.keys'::regclass, \
         'keygate.clients_pkey'::regclass, to_regclass('keygate.keys_client')) \
         and attname in ('name', 'client'); \
         update pg_index set indcollation = \
         (select oid::text from pg_collation where collname = 'numeric')::oidvector \
         where indexrelid in ('keygate.clients_pkey'::regclass, to_regclass('keygate.keys_client')); \
         update pg_depend set refobjid = 'public.numeric'::regcollation \
         where refclassid = 'pg_collation'::regclass and classid = 'pg_class'::regclass \
         and objid in (select oid from pg_class where relnamespace = 'keygate'::regnamespace)",
    );
}

/// The number of a client that the index does not find.
fn lost(database: &Database<'_>) -> usize {
    let mut numbers = (1..CLIENTS).step_by(7);
    let is_lost = |number: &usize| {
        let found = format!("select count(*) from keygate.clients where name = 'Client {number}'");
        database.psql(&found) == "0"
    };
    numbers.find(is_lost).expect("an index that is wrong")
}

async fn lookup(store: &PostgresStore, number: usize) -> Result<Option<KeyRecord>, StoreError> {
    store.lookup(KeyDigest::of(format!("key {number}").as_bytes())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_repairs_indexes_after_an_upgrade() {
    let database = Postgres::shared().database();
    query(&database.url(), &format!("create schema keygate; {FIRST}")).unwrap();
    database.psql(
        "insert into keygate.migrations (version, oldest_reader) values (1, 1); \
         alter table keygate.clients alter column name type text collate \"en-x-icu\"; \
         alter table keygate.keys alter column client type text collate \"en-x-icu\"",
    );
    fill(&database);
    change_collation(&database);
    let number = lost(&database);
    let store = migrated(&database).await;
    for number in (1..=CLIENTS).step_by(100).chain([number]) {
        let record = lookup(&store, number).await.unwrap().unwrap();
        assert_eq!(record.profile().name(), format!("Client {number}"));
    }
    store.disable_client(&format!("Client {number}")).await.unwrap();
    assert_eq!(lookup(&store, number).await.unwrap().unwrap().state(), KeyState::Disabled);
    let collated = "select count(*) from pg_attribute where attcollation not in (0, '\"C\"'::regcollation) \
        and attrelid in ('keygate.clients'::regclass, 'keygate.keys'::regclass) \
        and attname in ('name', 'key_id', 'client', 'replaced_by')";
    assert_eq!(database.psql(collated), "0");
    assert!(lookup(&store, CLIENTS + 1).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_whose_client_is_not_indexed_is_an_outage() {
    let database = Postgres::shared().database();
    migrated(&database).await;
    fill(&database);
    change_collation(&database);
    let number = lost(&database);
    let store = PostgresStore::connect(&database.url()).await.unwrap();
    let error = lookup(&store, number).await.unwrap_err();
    let shown = error.source().unwrap().to_string();
    assert!(shown.contains("its client does not exist"), "{shown}");
    assert!(lookup(&store, CLIENTS + 1).await.unwrap().is_none());

    let name = format!("Client {number}");
    let error = store.disable_client(&name).await.unwrap_err();
    let ManageError::Unavailable(error) = &error else { panic!("{error:?}") };
    let shown = error.source().unwrap().to_string();
    assert!(shown.contains(&name) && shown.contains("reindex schema keygate"), "{shown}");
    // Revoking needs no client.
    let key_id = KeyRecord::new(KeyDigest::of(format!("key {number}").as_bytes()), "").key_id();
    assert!(store.revoke(&key_id).await.unwrap().revoked.is_some());
    assert!(lookup(&store, number).await.is_err());

    database.psql("reindex schema keygate");
    assert_eq!(lookup(&store, number).await.unwrap().unwrap().state(), KeyState::Revoked);
    store.disable_client(&name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_without_a_client_is_an_outage() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    database.psql("set session_replication_role = replica; delete from keygate.clients");
    let AuthError::Unavailable(error) = request(&store, KEY).await.unwrap_err() else {
        panic!("it is an outage")
    };
    let shown = error.source().unwrap().to_string();
    assert!(shown.contains("its client does not exist"), "{shown}");
    let unknown = request(&store, OTHER_KEY).await.unwrap_err();
    assert_eq!(unknown.reason(), Some(WrongReason::Unknown));
}
