//! Changes that fail because a trigger discards or rewrites them.

use std::path::Path;

use keygate::manage::ManageError;
use keygate::store::SqliteStore;

use crate::changes::{self, ALL};
use crate::fixture::{Folder, cause, sqlite3};

async fn prepared(path: &Path) -> SqliteStore {
    let store = SqliteStore::migrate(path).await.unwrap();
    changes::prepare(&store).await;
    store
}

fn content(path: &Path) -> String {
    let all = "select * from keygate_clients; select quote(digest), * from keygate_keys; \
               select count(*) from keygate_events; select * from keygate_origin;";
    sqlite3(path, all)
}

/// Checks that each of these changes fails, names the trigger, and changes nothing.
async fn fails(when: &str, body: &str, changes: &[&str]) {
    let folder = Folder::new();
    let path = folder.database();
    let store = prepared(&path).await;
    sqlite3(&path, &format!("create trigger audit {when} begin {body}; end;"));
    let before = content(&path);
    for &name in changes {
        let error = changes::make(&store, name).await.expect_err(&format!("{name}: {when}"));
        let ManageError::Unavailable(error) = &error else { panic!("{name}: {error:?}") };
        let shown = cause(error);
        assert!(shown.starts_with("nothing was changed: "), "{name}: {shown}");
        assert!(shown.contains("`audit` on `keygate_"), "{name}: {shown}");
        assert_eq!(content(&path), before, "{name}: {when}");
    }
    sqlite3(&path, "drop trigger audit;");
    for &name in changes {
        changes::make(&store, name).await.unwrap();
    }
}

#[tokio::test]
async fn changes_discarded_by_a_trigger_fail() {
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
async fn changes_rewritten_by_a_trigger_fail() {
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
            "after update of enabled on keygate_clients",
            "update keygate_clients set scopes = '[\"*\"]' where name = new.name",
            &["enable", "disable"],
        ),
        (
            "after update of revoked on keygate_keys",
            "update keygate_keys set label = 'x' where digest = new.digest",
            &["revoke"],
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
async fn changes_without_events_fail() {
    fails("before insert on keygate_events", "select raise(ignore)", &ALL).await;
}

#[tokio::test]
async fn triggers_that_only_read_are_allowed() {
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
        changes::make(&store, name).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    assert_ne!(sqlite3(&path, "select count(*) from seen;"), "0");
}
