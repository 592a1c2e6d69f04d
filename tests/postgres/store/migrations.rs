//! Creating tables, and refusing unusable ones.

use std::time::{Duration, SystemTime};

use keygate::manage::{ManageError, PolicyChange};
use keygate::store::{DatabaseError, PostgresStore};
use keygate::{KeyDigest, ManageKeys as _, NewKey};

use crate::servers::{Database, Postgres, query};
use crate::store::{KEY, migrated, request, store_with_key};

/// The number of migrations, which is the newest version.
fn newest() -> i32 {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/postgres/migrations");
    std::fs::read_dir(folder).unwrap().count().try_into().unwrap()
}

/// Marks the tables as those of a newer version.
fn mark_newer(database: &Database<'_>, version: i32, oldest_reader: i32) {
    database.psql(&format!(
        "insert into keygate.migrations (version, oldest_reader) values ({version}, {oldest_reader})"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_instances_start_at_once_on_an_empty_database() {
    // A shared server would not have enough connections.
    let server = Postgres::start();
    let database = server.database();
    let url = database.url();
    let starting = (0..50).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { PostgresStore::migrate(&url).await })
    });
    let mut stores = Vec::new();
    for store in starting.collect::<Vec<_>>() {
        stores.push(store.await.unwrap().unwrap());
    }
    let versions = database.psql("select version from keygate.migrations");
    let expected = (1..=newest()).map(|version| version.to_string()).collect::<Vec<_>>();
    assert_eq!(versions.lines().collect::<Vec<_>>(), expected);
    stores[0].add_client("App 1".into()).await.unwrap();
    crate::store::issue(&stores[1], KEY).await;
    for store in &stores {
        assert_eq!(request(store, KEY).await.unwrap().name(), "App 1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connecting_creates_nothing() {
    let database = Postgres::shared().database();
    let error = PostgresStore::connect(&database.url()).await.unwrap_err();
    assert!(matches!(error, DatabaseError::NoTables), "{error:?}");
    assert_eq!(database.psql("select count(*) from pg_namespace where nspname = 'keygate'"), "0");
    database.psql("create schema keygate");
    let error = PostgresStore::connect(&database.url()).await.unwrap_err();
    assert!(matches!(error, DatabaseError::NoTables), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_twice_changes_nothing() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    let applied = "select applied from keygate.migrations";
    let before = database.psql(applied);
    let store = migrated(&database).await;
    assert!(request(&store, KEY).await.is_ok());
    assert_eq!(database.psql(applied), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newer_tables_are_read_if_they_allow_it() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    mark_newer(&database, newest() + 1, 1);
    let store = PostgresStore::connect(&database.url()).await.unwrap();
    assert!(request(&store, KEY).await.is_ok());
    assert!(PostgresStore::migrate(&database.url()).await.is_ok());
    mark_newer(&database, newest() + 2, newest() + 1);
    for opened in [
        PostgresStore::connect(&database.url()).await,
        PostgresStore::migrate(&database.url()).await,
    ] {
        match opened.unwrap_err() {
            DatabaseError::TooNew { found, readable } => {
                assert_eq!((found, readable), (newest() + 2, newest()));
            }
            error => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_tables_are_refused() {
    let database = Postgres::shared().database();
    migrated(&database).await;
    database.psql(&format!("delete from keygate.migrations where version = {}", newest()));
    match PostgresStore::connect(&database.url()).await.unwrap_err() {
        DatabaseError::TooOld { found, needed } => {
            assert_eq!((found, needed), (newest() - 1, newest()));
        }
        error => panic!("{error:?}"),
    }
}

/// The same holds for an interrupted migration.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_migration_changes_nothing() {
    let database = Postgres::shared().database();
    database.psql("create schema keygate; create table keygate.events ()");
    let error = PostgresStore::migrate(&database.url()).await.unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    let tables = "select count(*) from pg_tables where schemaname = 'keygate'";
    assert_eq!(database.psql(tables), "1");
    database.psql("drop table keygate.events");
    assert!(PostgresStore::migrate(&database.url()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_in_other_schemas_are_not_used() {
    let database = Postgres::shared().database();
    database.psql(
        "create table public.clients (name text primary key); \
         create function public.actor() returns text language sql as $$ select 'wrong' $$;",
    );
    let store = store_with_key(&database).await;
    assert!(request(&store, KEY).await.is_ok());
    assert_eq!(database.psql("select count(*) from keygate.events where actor = 'wrong'"), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_encodings_than_utf8_are_refused() {
    let server = Postgres::start();
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let name = encoding.to_lowercase();
        let url = format!("{}/{name}", server.url().strip_suffix("/postgres").unwrap());
        server.psql(&format!(
            "create database {name} encoding '{encoding}' template template0 locale 'C'"
        ));
        let is_named = |error: &DatabaseError| matches!(error, DatabaseError::Encoding { found, .. } if found == encoding);
        let error = PostgresStore::migrate(&url).await.unwrap_err();
        assert!(is_named(&error), "{error:?}");
        assert!(error.to_string().contains("encoding 'UTF8' template template0"), "{error}");
        // As if created before this was checked.
        query(
            &url,
            concat!(
                "create schema keygate; ",
                include_str!("../../../src/store/postgres/migrations/0001.sql")
            ),
        )
        .unwrap();
        query(&url, "insert into keygate.migrations (version, oldest_reader) values (1, 1)")
            .unwrap();
        for opened in [PostgresStore::connect(&url).await, PostgresStore::migrate(&url).await] {
            assert!(is_named(&opened.unwrap_err()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_instead_of_tables_are_refused() {
    for name in ["clients", "events", "keys", "migrations"] {
        let database = Postgres::shared().database();
        store_with_key(&database).await;
        database.psql(&format!(
            "alter table keygate.{name} rename to held; \
             create view keygate.{name} as select * from keygate.held where random() < 0"
        ));
        if name == "migrations" {
            let all = "create or replace view keygate.migrations as select * from keygate.held";
            database.psql(all);
        }
        let url = database.url();
        for opened in [PostgresStore::connect(&url).await, PostgresStore::migrate(&url).await] {
            let error = opened.expect_err(name);
            let DatabaseError::NotATable { object } = &error else { panic!("{error:?}") };
            assert_eq!(object, name);
        }
        let findings = PostgresStore::options(&url).unwrap().inspect().await.unwrap();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].is_error && findings[0].message.contains(name), "{findings:?}");
    }
}

/// The grants of older versions name no policy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn role_of_older_tables_manages_keys_after_a_migration() {
    let server = Postgres::start();
    let database = server.database();
    database.psql("create schema keygate");
    for version in 1..=6 {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/postgres/migrations");
        let migration = std::fs::read_to_string(format!("{folder}/{version:04}.sql")).unwrap();
        database.psql(&migration);
        mark_newer(&database, version, 1);
    }
    database.psql(
        "create role old_managers login password 'c4n4ry'; \
         grant usage on schema keygate to old_managers; \
         grant select on keygate.migrations, keygate.events to old_managers; \
         grant select, insert, update, delete on keygate.clients, keygate.keys to old_managers",
    );
    let owner = migrated(&database).await;
    owner.update_policy(PolicyChange::new().require_expiry()).await.unwrap();
    let url = database.url_as("old_managers", "c4n4ry");
    let store = PostgresStore::connect(&url).await.unwrap();
    store.add_client("App 1".into()).await.unwrap();
    let key = NewKey::new(KeyDigest::of(KEY.as_bytes()));
    let refused = store.issue("App 1", key.clone()).await.unwrap_err();
    assert!(matches!(refused, ManageError::Policy(_)), "{refused}");
    let end = SystemTime::now() + Duration::from_secs(60);
    store.issue("App 1", key.with_expiry(end)).await.unwrap();
    let denied =
        store.update_policy(PolicyChange::new().allow_no_expiry()).await.unwrap_err().to_string();
    assert!(denied.contains("permission denied"), "{denied}");
}
