//! Changes that a trigger of others swallows or rewrites fail, and change nothing.

use std::path::Path;
use std::time::Duration;

use keygate::manage::{ManageError, TransferKeys as _};
use keygate::store::SqliteStore;
use keygate::{ManageKeys as _, MemoryStore};

use crate::stage::{Folder, cause, id, key, new, sqlite3, store};

/// Makes this change in a store where `App 1` is enabled and has one key, as `App 2`, which is disabled as
/// `App 5` and `App 6` are.
async fn change(store: &SqliteStore, change: &str) -> Result<(), ManageError> {
    match change {
        "add" => store.add_client("App 3".into()).await.map(drop),
        "enable" => store.enable_client("App 5").await.map(drop),
        "disable" => store.disable_client("App 1").await.map(drop),
        "remove" => store.remove_client("App 2").await.map(drop),
        "remove without keys" => store.remove_client("App 6").await.map(drop),
        "issue" => store.issue("App 1", new('c')).await.map(drop),
        "revoke" => store.revoke(&id('a')).await.map(drop),
        "rotate" => store.rotate(&id('a'), new('d'), Duration::ZERO).await.map(drop),
        "import" => {
            let other = MemoryStore::from_keys([(key('e').as_str(), "App 4")]).unwrap();
            store.import_keys(&other.export_keys().await?).await.map(drop)
        }
        _ => panic!("{change}"),
    }
}

const ALL: [&str; 9] = [
    "import",
    "add",
    "enable",
    "issue",
    "rotate",
    "revoke",
    "disable",
    "remove",
    "remove without keys",
];

async fn prepared(path: &Path) -> SqliteStore {
    let store = store(path, "a").await;
    store.add_client("App 2".into()).await.unwrap();
    store.issue("App 2", new('b')).await.unwrap();
    for name in ["App 5", "App 6"] {
        store.add_client(name.into()).await.unwrap();
    }
    for name in ["App 2", "App 5", "App 6"] {
        store.disable_client(name).await.unwrap();
    }
    store
}

fn content(path: &Path) -> String {
    let all = "select * from keygate_clients; select quote(digest), * from keygate_keys; \
               select count(*) from keygate_events; select * from keygate_origin;";
    sqlite3(path, all)
}

/// Each of these changes fails while the trigger stands, and names it.
async fn fails(when: &str, body: &str, changes: &[&str]) {
    let folder = Folder::new();
    let path = folder.database();
    let store = prepared(&path).await;
    sqlite3(&path, &format!("create trigger audit {when} begin {body}; end;"));
    let before = content(&path);
    for &name in changes {
        let error = change(&store, name).await.expect_err(&format!("{name}: {when}"));
        let ManageError::Unavailable(error) = &error else { panic!("{name}: {error:?}") };
        let shown = cause(error);
        assert!(shown.starts_with("nothing was changed: "), "{name}: {shown}");
        assert!(shown.contains("`audit` on `keygate_"), "{name}: {shown}");
        assert_eq!(content(&path), before, "{name}: {when}");
    }
    sqlite3(&path, "drop trigger audit;");
    for &name in changes {
        change(&store, name).await.unwrap();
    }
}

#[tokio::test]
async fn changes_that_a_trigger_swallows_fail() {
    for (when, changes) in [
        ("before insert on keygate_clients", &["add", "import"][..]),
        ("before update on keygate_clients", &["enable", "disable"]),
        ("before delete on keygate_clients", &["remove", "remove without keys"]),
        ("before insert on keygate_keys", &["issue", "import"]),
        ("before update on keygate_keys", &["revoke"]),
        ("before update on keygate_keys", &["rotate"]),
    ] {
        fails(when, "select raise(ignore)", changes).await;
    }
}

#[tokio::test]
async fn changes_that_a_trigger_rewrites_fail() {
    for (when, body, changes) in [
        (
            "after insert on keygate_clients",
            "update keygate_clients set scopes = '[\"a\"]' where name = new.name",
            &["add", "import"][..],
        ),
        (
            "after update of enabled on keygate_clients",
            "update keygate_clients set enabled = old.enabled where name = new.name",
            &["enable", "disable"],
        ),
        (
            "after insert on keygate_keys",
            "update keygate_keys set label = 'x' where digest = new.digest",
            &["issue", "rotate", "import"],
        ),
        (
            "after update of revoked on keygate_keys",
            "update keygate_keys set revoked = null where digest = new.digest",
            &["revoke"],
        ),
        ("after delete on keygate_origin", "update keygate_keys set revoked = null", &["revoke"]),
        (
            "after update of expires on keygate_keys",
            "update keygate_keys set expires = old.expires where digest = new.digest",
            &["rotate"],
        ),
    ] {
        fails(when, body, changes).await;
    }
}

#[tokio::test]
async fn changes_that_are_not_noted_in_the_events_fail() {
    fails("before insert on keygate_events", "select raise(ignore)", &ALL).await;
}

#[tokio::test]
async fn triggers_that_only_look_stop_no_change() {
    let folder = Folder::new();
    let path = folder.database();
    let store = prepared(&path).await;
    sqlite3(
        &path,
        "create table seen (what); \
         create trigger seen_keys after update on keygate_keys begin insert into seen values (1); end; \
         create trigger seen_clients after insert on keygate_clients begin \
         insert into seen values (2); end;",
    );
    for name in ALL {
        change(&store, name).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    assert_ne!(sqlite3(&path, "select count(*) from seen;"), "0");
}
