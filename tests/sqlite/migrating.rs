//! Creating tables, and tables that are too old or too new.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use keygate::ManageKeys as _;
use keygate::manage::{KeyQuery, KeySort};
use keygate::store::{DatabaseError, SqliteStore};

use crate::fixture::{Folder, Response, digest, id, request, sqlite3, store};
use crate::worker;

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite/migrations");

/// The versions that the files of the migrations create.
fn migrations() -> impl Iterator<Item = i32> {
    // All migrations except the one that creates the table of migrations.
    1..fs::read_dir(FILES).unwrap().count().try_into().unwrap()
}

fn newest() -> i32 {
    migrations().last().unwrap()
}

async fn refused(folder: &Folder) -> DatabaseError {
    SqliteStore::open(folder.database()).await.unwrap_err()
}

#[tokio::test]
async fn opening_creates_nothing() {
    let folder = Folder::new();
    let error = refused(&folder).await;
    assert!(matches!(&error, DatabaseError::Location { .. }), "{error:?}");
    assert!(error.to_string().contains("create it with `keygate migrate`"), "{error}");
    assert_eq!(folder.names(), [""; 0]);

    fs::write(folder.database(), "").unwrap();
    assert!(matches!(refused(&folder).await, DatabaseError::NoTables));
    assert_eq!(fs::metadata(folder.database()).unwrap().len(), 0);
}

#[tokio::test]
async fn new_file_is_only_for_its_owner() {
    let folder = Folder::new();
    let store = store(&folder.database(), "A").await;
    let mode = fs::metadata(folder.database()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(folder.names(), ["keys.db"]);
    assert_eq!(request(&store, 'A').await, Response::Admitted);
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    let before = fs::read(folder.database()).unwrap();
    let store = SqliteStore::migrate(folder.database()).await.unwrap();
    assert_eq!(request(&store, 'A').await, Response::Admitted);
    assert_eq!(fs::read(folder.database()).unwrap(), before);
    let versions = "select version, by from keygate_migrations;";
    let by = concat!("keygate ", env!("CARGO_PKG_VERSION"));
    let expected = migrations().map(|version| format!("{version}|{by}")).collect::<Vec<_>>();
    assert_eq!(sqlite3(&folder.database(), versions), expected.join("\n"));
    assert_eq!(store.schema_version().await.unwrap(), newest());
}

#[tokio::test]
async fn keys_of_older_tables_are_listed_in_order() {
    let folder = Folder::new();
    let path = folder.database();
    let files = (0..=13).map(|version| fs::read_to_string(format!("{FILES}/{version:04}.sql")));
    let mut sql = files.collect::<Result<String, _>>().unwrap();
    sql += "insert into keygate_migrations (version, oldest_reader, by) values (13, 8, 'older');
        insert into keygate_clients (name) values ('App 1');";
    for (letter, created, expires) in [
        ('A', "'2026-01-01T12:00:00+02:00'", "null"),
        ('B', "'2026-01-01T11:00:00Z'", "'2030-01-01T00:00:00Z'"),
        ('C', "null", "'2029-01-01T00:00:00Z'"),
    ] {
        let digest = digest(letter).to_text().replace("sha256:", "");
        let _ = writeln!(
            sql,
            "insert into keygate_keys (digest, client, created, expires)
             values (x'{digest}', 'App 1', {created}, {expires});"
        );
    }
    sqlite3(&path, &sql);
    let store = SqliteStore::migrate(&path).await.unwrap();
    for (sort, order) in
        [(KeySort::Client, "CAB"), (KeySort::Created, "CAB"), (KeySort::Expires, "CBA")]
    {
        let page = store.keys(&KeyQuery::new().sorted_by(sort)).await.unwrap();
        let found = page.found.iter().map(|key| key.key_id);
        assert_eq!(found.collect::<Vec<_>>(), order.chars().map(id).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn other_tables_are_unchanged() {
    let folder = Folder::new();
    let path = folder.database();
    sqlite3(
        &path,
        "pragma journal_mode = wal; create table orders (id integer primary key);
        insert into orders values (7);",
    );
    assert!(matches!(refused(&folder).await, DatabaseError::NoTables));
    store(&path, "A").await;
    assert_eq!(sqlite3(&path, "select id from orders; pragma journal_mode;"), "7\nwal");
}

#[tokio::test]
async fn newer_tables_are_read_if_they_allow_it() {
    let folder = Folder::new();
    let path = folder.database();
    store(&path, "A").await;
    let newer = newest() + 8;
    sqlite3(
        &path,
        &format!(
            "alter table keygate_keys add column note text;
            insert into keygate_migrations (version, oldest_reader, by) values ({newer}, 1, 'later');"
        ),
    );
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(request(&store, 'A').await, Response::Admitted);
    assert_eq!(store.schema_version().await.unwrap(), newer);
    SqliteStore::migrate(&path).await.unwrap().add_client("App 2".into()).await.unwrap();

    let unreadable = newest() + 1;
    let newer_reader = "update keygate_migrations set oldest_reader";
    sqlite3(&path, &format!("{newer_reader} = {unreadable} where version = {newer};"));
    let is_too_new = |error| match error {
        DatabaseError::TooNew { found, readable } => found == newer && readable == newest(),
        _ => false,
    };
    assert!(is_too_new(refused(&folder).await));
    assert!(is_too_new(SqliteStore::migrate(&path).await.unwrap_err()));
}

#[tokio::test]
async fn incomplete_tables_are_too_old() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    sqlite3(&folder.database(), "delete from keygate_migrations;");
    let error = refused(&folder).await;
    let DatabaseError::TooOld { found: 0, needed } = error else { panic!("{error:?}") };
    assert_eq!(needed, newest());
}

#[tokio::test]
async fn failed_migration_changes_nothing() {
    let folder = Folder::new();
    // Conflicts with the last of keygate's tables.
    sqlite3(&folder.database(), "create table keygate_events (id integer);");
    let error = SqliteStore::migrate(folder.database()).await.unwrap_err();
    assert!(error.to_string().contains("keygate_events already exists"), "{error}");
    assert_eq!(sqlite3(&folder.database(), ".tables"), "keygate_events");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_stores_start_at_once() {
    for _ in 0..5 {
        let folder = Folder::new();
        let path = folder.database();
        let starts: Vec<_> = (0..20)
            .map(|number: u32| {
                let path = path.clone();
                tokio::spawn(async move {
                    let store = SqliteStore::migrate(&path).await?;
                    store.add_client(format!("App {number}").into()).await.unwrap();
                    Ok::<_, DatabaseError>(())
                })
            })
            .collect();
        for start in starts {
            start.await.unwrap().unwrap();
        }
        let counts = "select (select count(*) from keygate_clients),
            (select count(*) from keygate_migrations);";
        assert_eq!(sqlite3(&path, counts), format!("20|{}", newest()));
    }
}

/// A transaction that reads first cannot wait for another writer: SQLite refuses it at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_migrations_wait_for_each_other() {
    for _ in 0..5 {
        let folder = Folder::new();
        let path = folder.database();
        sqlite3(&path, include_str!("../../src/store/sqlite/migrations/0000.sql"));
        let starts = (0..20).map(|_| tokio::spawn(SqliteStore::migrate(path.clone())));
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap().unwrap();
        }
        let versions = sqlite3(&path, "select version from keygate_migrations;");
        assert_eq!(versions.lines().count(), migrations().count());
    }
}

#[test]
fn twenty_processes_start_at_once() {
    let folder = Folder::new();
    let path = folder.database();
    let children: Vec<_> = (0..20)
        .map(|number| worker::command(&format!("start App {number}"), &path).spawn().unwrap())
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(worker::said(&output.stdout), ["done"], "{output:?}");
    }
    let counts = "select (select count(*) from keygate_clients),
        (select count(*) from keygate_migrations);";
    assert_eq!(sqlite3(&path, counts), format!("20|{}", newest()));
}
