//! Row-level security that would hide rows from the role of a service.

use std::error::Error as _;
use std::time::{Duration, Instant};

use keygate::store::{DatabaseError, PostgresStore, Replica};
use keygate::{AuthError, ManageKeys as _};
use tokio::time::sleep;

use crate::servers::{Database, Postgres};
use crate::store::{KEY, PATIENCE, options, request, store_with_key};

/// The URL of a role with the rights of `grants`, which creates that role.
fn role(database: &Database<'_>, name: &str, grants: &str) -> String {
    database.psql(&grants.replace("'...'", "'c4n4ry'"));
    database.url_as(name, "c4n4ry")
}

fn serving(database: &Database<'_>) -> String {
    let grants = include_str!("../../../src/store/postgres/grants/serving.sql");
    role(database, "keygate_serving", grants)
}

/// The error that made a request fail with 503.
fn cause(error: &AuthError) -> String {
    let AuthError::Unavailable(error) = error else { panic!("{error:?}") };
    error.source().unwrap().to_string()
}

/// Enables row-level security with two policies.
fn hide_rows(database: &Database<'_>, table: &str) {
    database.psql(&format!(
        "alter table keygate.{table} enable row level security;
         create policy \"own ones\" on keygate.{table} using (current_user = 'x');
         create policy audit on keygate.{table} using (false);"
    ));
}

fn show_rows(database: &Database<'_>, table: &str) {
    database.psql(&format!(
        "alter table keygate.{table} disable row level security;
         drop policy \"own ones\" on keygate.{table}; drop policy audit on keygate.{table};"
    ));
}

/// The message for a table with the policies of [`hide_rows`].
fn message(table: &str) -> String {
    format!(
        "row-level security hides rows of keygate.{table} from this role (policies: audit, own ones): \
         `alter table keygate.{table} disable row level security`, or give the role `bypassrls`"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lookup_names_the_policies_that_hide_rows() {
    let server = Postgres::start();
    let database = server.database();
    let owner = store_with_key(&database).await;
    let url = serving(&database);
    for pooled in [false, true] {
        let store = options(&url);
        let store = if pooled { store.through_pooler() } else { store }.connect().await.unwrap();
        for table in ["keys", "clients", "migrations"] {
            assert!(request(&store, KEY).await.is_ok());
            hide_rows(&database, table);
            assert_eq!(cause(&request(&store, KEY).await.unwrap_err()), message(table));
            let error = store.list_keys(None).await.unwrap_err();
            assert_eq!(error.to_string(), message(table));
            // The owner of the tables sees all rows.
            assert!(request(&owner, KEY).await.is_ok());
            show_rows(&database, table);
        }
        hide_rows(&database, "keys");
        database.psql("alter role keygate_serving bypassrls");
        assert!(request(&store, KEY).await.is_ok());
        database.psql("alter role keygate_serving nobypassrls");
        show_rows(&database, "keys");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_grant_is_not_reported_as_a_policy() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    let store = options(&serving(&database)).connect().await.unwrap();
    // A policy of a table that lookups do not read.
    hide_rows(&database, "events");
    database.psql("revoke select on keygate.keys from keygate_serving");
    let shown = cause(&request(&store, KEY).await.unwrap_err());
    assert!(shown.contains("permission denied for table keys (42501)"), "{shown}");
    assert!(shown.contains("docs/databases.md") && !shown.contains("policies"), "{shown}");
    assert_eq!(store.list_keys(None).await.unwrap_err().to_string(), shown);
    database.psql("grant select on keygate.keys to keygate_serving");
    assert!(request(&store, KEY).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_names_the_policies_that_hide_rows() {
    let server = Postgres::start();
    let database = server.database();
    let owner = store_with_key(&database).await;
    let key_id = owner.list_keys(None).await.unwrap()[0].key_id;
    let grants = include_str!("../../../src/store/postgres/grants/managing.sql");
    let store = options(&role(&database, "keygate_managing", grants)).connect().await.unwrap();
    for table in ["keys", "events", "migrations"] {
        hide_rows(&database, table);
        let error = store.revoke(&key_id).await.unwrap_err();
        assert_eq!(error.to_string(), message(table));
        show_rows(&database, table);
    }
    assert!(request(&owner, KEY).await.is_ok());
    store.revoke(&key_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replica_names_the_policies_that_hide_rows() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    let replica = Replica::connect(&serving(&database)).await.unwrap();
    hide_rows(&database, "events");
    let started = Instant::now();
    let error = loop {
        if let Some(error) = replica.health().error {
            break error;
        }
        assert!(started.elapsed() < PATIENCE, "the replica reports no error");
        sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(error.to_string(), message("events"));
    show_rows(&database, "events");
    while replica.health().error.is_some() {
        assert!(started.elapsed() < PATIENCE, "the replica does not recover");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_names_the_policies_that_hide_rows() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    let url = serving(&database);
    for table in ["events", "migrations"] {
        hide_rows(&database, table);
        for error in [
            PostgresStore::connect(&url).await.map(drop).unwrap_err(),
            PostgresStore::migrate(&url).await.map(drop).unwrap_err(),
            Replica::connect(&url).await.map(drop).unwrap_err(),
        ] {
            assert!(matches!(error, DatabaseError::RowSecurity { .. }), "{error:?}");
            assert_eq!(error.to_string(), message(table));
        }
        let findings = PostgresStore::options(&url).unwrap().inspect().await.unwrap();
        assert_eq!(findings.iter().map(|found| found.name).collect::<Vec<_>>(), ["row-security"]);
        assert!(findings[0].is_error && findings[0].message == message(table));
        show_rows(&database, table);
    }
    database.psql("alter table keygate.keys enable row level security");
    let error = PostgresStore::connect(&url).await.map(drop).unwrap_err();
    let expected = message("keys").replace("audit, own ones", "none, so that no row is visible");
    assert_eq!(error.to_string(), expected);
    assert!(PostgresStore::connect(&database.url()).await.is_ok());
}
