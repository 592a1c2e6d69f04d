//! Roles with the documented grants.

use std::time::{Duration, SystemTime};

use keygate::manage::{ManageError, Policy, PurgeKeys, TransferKeys as _};
use keygate::observe::{UsageWatch, UsageWriter};
use keygate::store::PostgresStore;
use keygate::{AuthError, KeyDigest, ManageKeys as _, MemoryStore, NewKey, WrongReason};

use crate::counted::{Counted, requests};
use crate::servers::{Database, Postgres, query};
use crate::store::{KEY, OTHER_KEY, issue, request, store_with_key};

const MANAGING: &str = include_str!("../../../src/store/postgres/grants/managing.sql");
const SERVING: &str = include_str!("../../../src/store/postgres/grants/serving.sql");

/// Creates a role with these grants, and returns its URL.
fn granted(database: &Database<'_>, grants: &str) -> String {
    database.psql(&grants.replace("'...'", "'c4n4ry'"));
    let role = grants.strip_prefix("create role ").unwrap().split(' ').next().unwrap();
    database.url_as(role, "c4n4ry")
}

#[track_caller]
fn assert_denied(url: &str, statements: &[&str]) {
    for sql in statements {
        let error = query(url, sql).expect_err(sql);
        let is_denied = error.contains("permission denied") || error.contains("must be owner");
        assert!(is_denied, "{sql}: {error}");
    }
}

const TABLES: [&str; 18] = [
    "alter table keygate.keys add column x int",
    "alter table keygate.clients disable trigger all",
    "alter table keygate.events disable trigger append_only",
    "drop table keygate.keys",
    "create table keygate.mine ()",
    "create function keygate.mine() returns int language sql as 'select 1'",
    "create or replace function keygate.wake() returns trigger language plpgsql as 'begin end'",
    "truncate keygate.keys",
    "truncate keygate.events",
    "delete from keygate.tombstones",
    "update keygate.tombstones set purged = now()",
    "delete from keygate.events",
    "update keygate.events set actor = 'nobody'",
    "insert into keygate.events (actor, tool, action) values ('a', 'b', 'all.removed')",
    "insert into keygate.migrations (version, oldest_reader) values (9, 9)",
    "update keygate.migrations set oldest_reader = 9",
    "delete from keygate.migrations",
    "set session_replication_role = replica",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn managing_role_changes_keys_and_nothing_else() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    let url = granted(&database, MANAGING);
    // The tables are up to date, so this needs no rights.
    let store = PostgresStore::migrate(&url).await.unwrap().with_actor("ada");
    assert!(request(&store, KEY).await.is_ok());
    let id = store.list_keys(None).await.unwrap()[0].key_id;
    let new = NewKey::new(KeyDigest::of(OTHER_KEY.as_bytes()));
    let new = store.rotate(&id, new, Duration::ZERO).await.unwrap().new.key_id;
    assert!(request(&store, OTHER_KEY).await.is_ok());
    store.revoke(&new).await.unwrap();
    let error = request(&store, OTHER_KEY).await.unwrap_err();
    assert_eq!(error.reason(), Some(WrongReason::Revoked));
    let third = issue(&store, "Wg1vaDs8uqFbYtNDsJ8H3gKjl_oI0T_O6Jg8qNLWJcU").await;
    store.add_client("App 2".into()).await.unwrap();
    store.disable_client("App 2").await.unwrap();
    store.enable_client("App 2").await.unwrap();

    let other = MemoryStore::from_keys([("Kp3xQm7Zr1Vt9Yw5Bn2Hc8Jd4Lf6Gs0Ta", "App 3")]).unwrap();
    let imported = store.import_keys(&other.export_keys().await.unwrap()).await.unwrap();
    assert_eq!((imported.clients_added, imported.keys_added), (1, 1));
    let held = store.export_keys().await.unwrap();
    assert_eq!(format!("{held:?}"), "Export { clients: 3, keys: 4 }");
    store.disable_client("App 3").await.unwrap();
    store.remove_client("App 3").await.unwrap();

    let purge = PurgeKeys::new().revoked_before(SystemTime::now());
    assert_eq!(store.purge_keys(&purge).await.unwrap().len(), 1);

    let noted = "select distinct actor, role from keygate.events where seq > 2";
    assert_eq!(database.psql(noted), "ada|keygate_managing");
    let revoked = "select count(*) from keygate.events where action = 'key.revoked'";
    assert_eq!(query(&url, revoked).unwrap(), "1");
    assert_denied(&url, &TABLES);
    assert_eq!(
        query(&url, &format!("select client from keygate.keys where key_id = '{third}'")),
        Ok("App 1".into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serving_role_changes_nothing() {
    let server = Postgres::start();
    let database = server.database();
    let owner = store_with_key(&database).await;
    let url = granted(&database, SERVING);
    let store = PostgresStore::connect(&url).await.unwrap();
    assert!(request(&store, KEY).await.is_ok());
    assert!(matches!(request(&store, OTHER_KEY).await, Err(AuthError::WrongCredentials(_))));
    let id = owner.list_keys(None).await.unwrap()[0].key_id;
    for error in [
        store.revoke(&id).await.unwrap_err(),
        store.add_client("App 2".into()).await.unwrap_err(),
        store.disable_client("App 1").await.unwrap_err(),
    ] {
        assert!(matches!(error, ManageError::ReadOnly { .. }), "{error:?}");
        let why = "this store is read-only: the PostgreSQL role keygate_serving may only read: use";
        assert!(error.to_string().starts_with(why), "{error}");
    }
    assert_denied(&url, &TABLES);
    assert_denied(
        &url,
        &[
            "insert into keygate.clients (name) values ('App 2')",
            "update keygate.keys set revoked = null",
            "delete from keygate.keys",
            "select * from keygate.keys for update",
            "insert into keygate.policy default values",
        ],
    );
    assert_eq!(store.list_keys(None).await.unwrap().len(), 1);
    // As do lists of the tool, audits and exports.
    assert_eq!(store.policy().await.unwrap(), Policy::new());
    assert_eq!(store.export_keys().await.unwrap().key_count(), 1);
    assert!(request(&store, KEY).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serving_role_writes_usage_and_managing_role_reads_it() {
    let server = Postgres::start();
    let database = server.database();
    store_with_key(&database).await;
    let (before, after) = SERVING.split_at(SERVING.find("grant select, insert").unwrap());
    let url = granted(&database, before);
    let history = PostgresStore::connect(&url).await.unwrap().usage_history();
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, &history).unwrap();
    counted.calls("a 1", 3);
    // As after a migration from tables without usage.
    let error = writer.flush().await.unwrap_err();
    assert!(
        error.to_string().contains("tables: `grant select on keygate.usage_batches"),
        "{error}"
    );
    database.psql(after);
    writer.flush().await.unwrap();
    writer.stop().await.unwrap();
    assert_eq!(requests(&history).await, 3);

    let url = granted(&database, MANAGING);
    let reading = PostgresStore::connect(&url).await.unwrap().usage_history();
    assert_eq!(requests(&reading).await, 3);
    assert_ne!(reading.last_uses(None).await.unwrap().watch(), UsageWatch::Never);
    assert_denied(&url, &["delete from keygate.usage_counts", "truncate keygate.usage_last"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusal_names_the_missing_rights_on_the_policy() {
    let server = Postgres::start();
    let database = server.database();
    let owner = store_with_key(&database).await;
    let policy = Policy::new().with_max_lifetime(Duration::from_secs(365 * 24 * 60 * 60));
    let shown = |role: &str, rights: &str| {
        let words = if rights == "select" {
            "this right, or grant it"
        } else {
            "these rights, or grant them"
        };
        format!(
            "PostgreSQL: permission denied for table policy (42501); the role {role} lacks `{rights}` on \
             keygate.policy: use a role that has {words} as the owner of the tables: `grant {rights} on \
             keygate.policy to {role}` (see docs/databases.md)"
        )
    };

    let store = PostgresStore::connect(&granted(&database, SERVING)).await.unwrap();
    database.psql("revoke select on keygate.policy from keygate_serving");
    let error = store.export_keys().await.unwrap_err();
    assert_eq!(error.to_string(), shown("keygate_serving", "select"));
    database.psql("grant select on keygate.policy to keygate_serving");
    assert_eq!(store.export_keys().await.unwrap().key_count(), 1);

    let url = granted(&database, MANAGING);
    let store = PostgresStore::connect(&url).await.unwrap();
    let other = MemoryStore::from_keys([(OTHER_KEY, "App 2")]).unwrap();
    other.update_policy(policy).unwrap();
    let other = other.export_keys().await.unwrap();
    let error = store.import_keys(&other).await.unwrap_err();
    assert_eq!(error.to_string(), shown("keygate_managing", "insert, update"));
    // The role may change neither the keys nor the policy.
    assert_eq!(owner.list_keys(None).await.unwrap().len(), 1);
    assert_eq!(
        store.update_policy(policy.into()).await.unwrap_err().to_string(),
        error.to_string()
    );
    database.psql("grant insert, update on keygate.policy to keygate_managing");
    assert!(store.import_keys(&other).await.unwrap().policy_added);
    assert_eq!(owner.policy().await.unwrap(), policy);

    // The policy is read with each change.
    database.psql("revoke select on keygate.policy from keygate_managing");
    let store = PostgresStore::connect(&url).await.unwrap();
    let new = NewKey::new(KeyDigest::of(KEY.as_bytes()));
    let error = store.issue("App 2", new).await.unwrap_err();
    assert_eq!(error.to_string(), shown("keygate_managing", "select"));
}
