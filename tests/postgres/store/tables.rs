//! The documented tables and statements.

use keygate::{KeyDigest, ManageKeys as _, NewKey, WrongReason};

use crate::servers::{Database, Postgres};
use crate::store::{KEY, migrated, request, store_with_key};

const DOCS: &str = include_str!("../../../src/store/postgres/tables.md");

/// The key with the documented digest.
const DOCUMENTED: &str = "foo";

/// The statements after the line with this beginning.
fn documented(line: &str) -> &'static str {
    let (_, rest) = DOCS.split_once(&format!("\n{line}")).expect(line);
    let (_, rest) = rest.split_once("\n```sql\n").unwrap();
    rest.split_once("\n```").unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documented_statements_do_what_the_docs_say() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    database.psql(documented("A new client with a key"));
    let by = "select distinct actor, tool from keygate.events where client = 'App 9'";
    assert_eq!(database.psql(by), "ada|runbook 12");
    let client = request(&store, DOCUMENTED).await.unwrap();
    assert_eq!(client.name(), "App 9");
    assert_eq!(client.profile().quota().unwrap().to_string(), "100/minute, 20 at once");
    let digest = KeyDigest::of(b"a key that ends later");
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(15 * 24 * 60 * 60);
    store.issue("App 9", NewKey::new(digest).with_expiry(later)).await.unwrap();

    let expiring = database.psql(documented("Keys that expire within 14 days"));
    assert!(expiring.starts_with("App 9|2c26b46b68ffc68f|production|"), "{expiring}");
    assert_eq!(expiring.lines().count(), 1, "{expiring}");
    assert_eq!(database.psql(documented("Clients with the scope `orders:read`")), "App 9");
    assert_eq!(database.psql(documented("Clients of a team")), "App 9|2");
    assert_eq!(database.psql(documented("Who revoked a key")), "");

    database.psql(documented("Revoking a key"));
    let refused = request(&store, DOCUMENTED).await.unwrap_err();
    assert_eq!(refused.reason(), Some(WrongReason::Revoked));
    let clients = store.list_clients().await.unwrap();
    let enabled = clients.iter().map(|client| (client.profile.name(), client.enabled));
    assert_eq!(enabled.collect::<Vec<_>>(), [("App 1", true), ("App 9", false)]);
    assert!(request(&store, KEY).await.is_ok());
    let revoked = database.psql(documented("Who revoked a key"));
    assert!(revoked.ends_with(&format!("|{0}|psql|{0}", Postgres::OWNER)), "{revoked}");
    assert_eq!(revoked.lines().count(), 1, "{revoked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documented_statement_removes_only_old_events() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    let old = "insert into keygate.events (actor, tool, action, at)
        select 'a', 't', 'client.changed', now() - interval '500 days' from generate_series(1, 3000)";
    database.psql(old);
    database.psql(documented("Events are kept until"));
    // The last thousand and one, and two more for the client and the key.
    assert_eq!(database.psql("select count(*) from keygate.events"), "1003");
    crate::servers::query(&database.url(), "delete from keygate.events").unwrap_err();
}

/// The name and type of each column in the table with this heading.
fn columns(table: &str) -> Vec<String> {
    let (_, rest) = DOCS.split_once(&format!("\n| `{table}` |")).expect(table);
    let rows = rest.split("\n\n").next().unwrap().lines().skip(2);
    let columns = rows.flat_map(|row| {
        let cells = row.split('|').collect::<Vec<_>>();
        let of = cells[2].split('`').nth(1).unwrap();
        cells[1].split(',').map(move |name| format!("{}|{of}", name.trim().trim_matches('`')))
    });
    columns.collect()
}

/// The name and type of each column of a table.
fn columns_of(database: &Database<'_>, table: &str, condition: &str) -> Vec<String> {
    let columns = database.psql(&format!(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute \
         where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped {condition} \
         order by attnum"
    ));
    let columns = columns.replace("timestamp with time zone", "timestamptz");
    columns.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_is_documented() {
    let database = Postgres::shared().database();
    migrated(&database).await;
    for table in [
        "keygate.clients",
        "keygate.keys",
        "keygate.events",
        "keygate.policy",
        "keygate.tombstones",
    ] {
        assert_eq!(columns(table), columns_of(&database, table, ""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_of_any_column_is_recorded() {
    let database = Postgres::shared().database();
    store_with_key(&database).await.add_client("App 2".into()).await.unwrap();
    // The client of a key must exist, and the name of a client must be new.
    for (table, text) in [("keygate.keys", "'App 2'"), ("keygate.clients", "'App 3'")] {
        let columns = columns_of(&database, table, "and attgenerated = ''");
        assert!(columns.len() >= 5, "{columns:?}");
        for column in columns {
            let (name, of) = column.split_once('|').unwrap();
            let value = match of {
                "bytea" => "sha256('x')",
                "boolean" => "false",
                "text" => text,
                "text[]" => "'{a}'",
                "jsonb" => r#"'{"a": "b"}'"#,
                "timestamptz" => "'2031-01-01'",
                other => panic!("{other}"),
            };
            let filter = if table == "keygate.clients" { "where name = 'App 1'" } else { "" };
            let events = database.psql(&format!(
                "begin; update {table} set {name} = {value} {filter}; \
                 select count(*) > 0 from keygate.events where txid = pg_current_xact_id(); rollback"
            ));
            assert_eq!(events, "t", "{table}.{name}");
        }
    }
}
