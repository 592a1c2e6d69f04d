//! Policies that would hide rows from the role of a service.

use std::error::Error as _;

use keygate::AuthError;
use keygate::store::{DatabaseError, PostgresStore, Replica};

use crate::servers::{Database, Postgres};
use crate::store::{KEY, ask, filled, patient};

fn serving(database: &Database<'_>) -> String {
    let grants = include_str!("../../../src/store/postgres/grants/serving.sql");
    database.psql(&grants.replace("'...'", "'c4n4ry'"));
    database.url_as("keygate_serving", "c4n4ry")
}

fn told(error: &AuthError) -> String {
    let AuthError::Unavailable(error) = error else { panic!("{error:?}") };
    error.source().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policy_that_hides_rows_is_an_outage() {
    let server = Postgres::start();
    let database = server.database();
    let owner = filled(&database).await;
    let url = serving(&database);
    for pooled in [false, true] {
        let store = patient(&url);
        let store = if pooled { store.through_pooler() } else { store }.connect().await.unwrap();
        for table in ["keys", "clients", "migrations"] {
            assert!(ask(&store, KEY).await.is_ok());
            database.psql(&format!("alter table keygate.{table} enable row level security"));
            let error = told(&ask(&store, KEY).await.unwrap_err());
            let named = format!("row-level security policy for table \"{table}\"");
            assert!(error.contains(&named) && error.contains("bypassrls"), "{error}");
            let error = keygate::ManageKeys::list_keys(&store, None).await.unwrap_err();
            assert!(error.to_string().contains(&named), "{error}");
            // The owner of the tables sees all rows.
            assert!(ask(&owner, KEY).await.is_ok());
            database.psql(&format!("alter table keygate.{table} disable row level security"));
        }
        database.psql("alter table keygate.keys enable row level security");
        database.psql("alter role keygate_serving bypassrls");
        assert!(ask(&store, KEY).await.is_ok());
        database.psql("alter role keygate_serving nobypassrls");
        database.psql("alter table keygate.keys disable row level security");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_named_when_a_store_is_opened() {
    let server = Postgres::start();
    let database = server.database();
    filled(&database).await;
    let url = serving(&database);
    database.psql(
        "alter table keygate.events enable row level security;
        create policy \"own ones\" on keygate.events using (actor = current_user);
        create policy audit on keygate.events using (false);",
    );
    for error in [
        PostgresStore::connect(&url).await.map(drop).unwrap_err(),
        PostgresStore::migrate(&url).await.map(drop).unwrap_err(),
        Replica::connect(&url).await.map(drop).unwrap_err(),
    ] {
        let DatabaseError::RowSecurity { table, policies } = &error else { panic!("{error:?}") };
        assert_eq!((&**table, &**policies), ("events", "audit, own ones"));
        assert!(error.to_string().contains("alter table keygate.events disable"), "{error}");
    }
    let findings = PostgresStore::options(&url).unwrap().inspect().await.unwrap();
    assert_eq!(findings.iter().map(|found| found.name).collect::<Vec<_>>(), ["row-security"]);
    assert!(findings[0].is_error && findings[0].message.contains("audit, own ones"));
    assert!(PostgresStore::connect(&database.url()).await.is_ok());
}
