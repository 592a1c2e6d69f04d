//! A schema of another role is refused: its owner could replace the tables.

use keygate::store::{DatabaseError, PostgresStore};

use crate::servers::{Database, Postgres, query};
use crate::store::{KEY, request, store_with_key};

const PASSWORD: &str = "c4n4ry";

fn roles(database: &Database<'_>) -> [String; 2] {
    database.psql(&format!(
        "create role app login password '{PASSWORD}'; create role mallory login password '{PASSWORD}'; \
         grant create on database {} to app, mallory",
        database.name()
    ));
    ["app", "mallory"].map(|role| database.url_as(role, PASSWORD))
}

/// Checks that connecting and migrating refuse it.
async fn assert_foreign(url: &str, named: &str) {
    for opened in [PostgresStore::connect(url).await, PostgresStore::migrate(url).await] {
        let error = opened.expect_err(named);
        let DatabaseError::ForeignOwner { object, owner, .. } = &error else { panic!("{error:?}") };
        assert_eq!((object.as_str(), owner.as_str()), (named, "mallory"));
        assert!(error.to_string().contains("`mallory`, which could replace it"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schema_created_by_another_role_is_refused() {
    let server = Postgres::start();
    let database = server.database();
    let [app, mallory] = roles(&database);
    query(
        &mallory,
        "create schema keygate; grant all on schema keygate to public; \
         create table keygate.seen (who text); grant all on keygate.seen to public; \
         create function keygate.spy() returns int language plpgsql as $$ begin \
         insert into keygate.seen values (current_user); return 2; end $$; \
         create view keygate.migrations as select keygate.spy() as version, 1 as oldest_reader; \
         grant all on keygate.migrations to public",
    )
    .unwrap();
    assert_foreign(&app, "the schema `keygate`").await;
    // A superuser is not a member of every role.
    assert_foreign(&database.url(), "the schema `keygate`").await;
    assert_eq!(database.psql("select count(*) from keygate.seen"), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schema_of_a_role_with_membership_is_accepted() {
    let server = Postgres::start();
    let database = server.database();
    let [app, mallory] = roles(&database);
    PostgresStore::migrate(&mallory).await.unwrap();
    assert_foreign(&app, "the schema `keygate`").await;
    database.psql("create role team; grant mallory to team; grant team to app");
    PostgresStore::connect(&app).await.unwrap();
    // The reverse membership does not count.
    database.psql("revoke mallory from team; grant app to mallory");
    assert_foreign(&app, "the schema `keygate`").await;
    database.psql(&format!("alter database {} owner to mallory", database.name()));
    database.psql(
        "grant usage on schema keygate to app; grant select on all tables in schema keygate to app",
    );
    PostgresStore::connect(&app).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn table_or_function_of_another_role_is_refused() {
    let server = Postgres::start();
    let database = server.database();
    let store = store_with_key(&database).await;
    let [_, _] = roles(&database);
    for (object, named) in [
        ("table keygate.keys", "`keygate.keys`"),
        ("function keygate.wake()", "the function `keygate.wake`"),
    ] {
        database.psql(&format!("alter {object} owner to mallory"));
        let error = PostgresStore::connect(&database.url()).await.unwrap_err();
        assert!(error.to_string().starts_with(named), "{error}");
        database.psql(&format!("alter {object} owner to {}", Postgres::OWNER));
    }
    assert!(request(&store, KEY).await.is_ok());
}
