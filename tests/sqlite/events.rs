//! Events of changes, including changes by hand.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::ManageKeys as _;
use keygate::manage::{ClientChange, KeyChange, Policy};
use keygate::store::SqliteStore;
use keygate::testing::{FakeClock, write_keys};
use serde_json::{Value, json};

use crate::fixture::{Folder, id, new, sqlite3, store, try_sqlite3};

const EVENTS: &str = "select actor, tool, action, client, key_id from keygate_events order by seq;";

fn events(folder: &Folder) -> Vec<String> {
    let events = sqlite3(&folder.database(), EVENTS);
    events
        .lines()
        .map(|line| line.replace(&id('A').to_string(), "A").replace(&id('B').to_string(), "B"))
        .collect()
}

#[tokio::test]
async fn every_event_has_an_actor_and_a_tool() {
    let folder = Folder::new();
    let store = SqliteStore::migrate(folder.database()).await.unwrap();
    let store = store.with_actor("alice").with_tool("keygate key");
    store.add_client("App 1".into()).await.unwrap();
    store.issue("App 1", new('A')).await.unwrap();
    store.rotate(&id('A'), new('B'), Duration::from_secs(60)).await.unwrap();
    store.revoke(&id('B')).await.unwrap();
    // An update to the same value is not a change.
    store.revoke(&id('B')).await.unwrap();
    store.enable_client("App 1").await.unwrap();
    store.disable_client("App 1").await.unwrap();
    store.enable_client("App 1").await.unwrap();
    store.disable_client("App 1").await.unwrap();
    store.remove_client("App 1").await.unwrap();
    let expected = [
        "client.added|App 1|",
        "key.issued|App 1|A",
        "key.issued|App 1|B",
        "key.rotated|App 1|A",
        "key.revoked|App 1|B",
        "client.disabled|App 1|",
        "client.enabled|App 1|",
        "client.disabled|App 1|",
    ];
    let events = events(&folder);
    let expected = expected.map(|event| format!("alice|keygate key|{event}"));
    assert_eq!(events[..8], expected);
    let mut removed = events[8..].to_vec();
    removed.sort();
    let expected = ["client.removed|App 1|", "key.removed|App 1|A", "key.removed|App 1|B"];
    assert_eq!(removed, expected.map(|event| format!("alice|keygate key|{event}")));
}

#[tokio::test]
async fn changed_fields_have_one_event_and_its_actor() {
    let folder = Folder::new();
    let store = store(&folder.database(), "").await;
    store.issue("App 1", new('A')).await.unwrap();
    let ann = store.for_actor("ann").unwrap();
    // The second one changes nothing.
    for _ in 0..2 {
        let change = ClientChange::new().set_metadata("team", "billing");
        let change = change.with_quota("1/day".parse().unwrap());
        ann.update_client("App 1", change).await.unwrap();
        ann.update_key(&id('A'), KeyChange::new().with_label("mobile")).await.unwrap();
    }
    let expected = ["ann|keygate|client.changed|App 1|", "ann|keygate|key.changed|App 1|A"];
    assert_eq!(events(&folder)[2..], expected);
}

/// The events of a client or key, without their times.
fn facts(folder: &Folder, what: &str) -> Vec<[Value; 3]> {
    let sql = format!(
        "select json_array(action, json(before), json(after)) from keygate_events \
         where {what} order by seq;"
    );
    let events = sqlite3(&folder.database(), &sql);
    events.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn events_hold_each_column_before_and_after() {
    let folder = Folder::new();
    let clock = FakeClock::at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let store = SqliteStore::migrate(folder.database()).await.unwrap();
    let store = store.with_clock(clock.reader());
    write_keys(&store, &clock).await;
    let names = |table: &str| -> BTreeSet<String> {
        let sql = format!("select name from pragma_table_xinfo('{table}');");
        let names = sqlite3(&folder.database(), &sql);
        names
            .lines()
            .map(str::to_owned)
            .filter(|name| !["digest", "algorithm"].contains(&&**name) && !name.ends_with("_order"))
            .collect()
    };
    for (table, what) in
        [("keygate_clients", "key_id is null"), ("keygate_keys", "key_id is not null")]
    {
        let events = facts(&folder, what);
        assert!(!events.is_empty());
        for facts in events.iter().flat_map(|[_, before, after]| [before, after]) {
            let Some(facts) = facts.as_object() else { continue };
            let found: BTreeSet<String> = facts.keys().cloned().collect();
            assert_eq!(found, names(table));
        }
    }
    assert!(!sqlite3(&folder.database(), EVENTS).contains("sha256"));
}

#[tokio::test]
async fn events_say_what_was_changed() {
    let folder = Folder::new();
    let store = store(&folder.database(), "").await;
    store.issue("App 1", new('A')).await.unwrap();
    let networks = ["10.0.0.0/8".parse().unwrap()];
    let change = ClientChange::new().add_scope("orders:read".parse().unwrap()).with_title("Shop");
    let change = change.with_quota("1/day".parse().unwrap()).set_metadata("team", "a \"b\"");
    store.update_client("App 1", change.with_networks(networks)).await.unwrap();
    store.disable_client("App 1").await.unwrap();
    let change = KeyChange::new().with_label("mobile").with_networks(networks);
    let change = change.with_scopes(["orders:read".parse().unwrap()]);
    store.update_key(&id('A'), change).await.unwrap();
    store.remove_client("App 1").await.unwrap();
    let [added, changed, disabled, removed] = &facts(&folder, "key_id is null")[..] else {
        panic!("another number of events")
    };
    let plain = json!({"name": "App 1", "enabled": true, "scopes": [], "quota": null, "metadata": {},
            "title": null, "networks": []});
    let full = json!({"name": "App 1", "enabled": true, "scopes": ["orders:read"], "quota": "1/day",
        "metadata": {"team": "a \"b\""}, "title": "Shop", "networks": ["10.0.0.0/8"]});
    let mut off = full.clone();
    off["enabled"] = false.into();
    assert_eq!(added, &[json!("client.added"), Value::Null, plain.clone()]);
    assert_eq!(changed, &[json!("client.changed"), plain, full.clone()]);
    assert_eq!(disabled, &[json!("client.disabled"), full, off.clone()]);
    assert_eq!(removed, &[json!("client.removed"), off, Value::Null]);
    let [issued, changed, removed] = &facts(&folder, "key_id is not null")[..] else {
        panic!("another number of events")
    };
    assert_eq!(issued[2]["key_id"], id('A').to_string());
    assert_eq!((&changed[1], &changed[2]["label"]), (&issued[2], &json!("mobile")));
    assert_eq!((&removed[1], &removed[2]), (&changed[2], &Value::Null));
}

#[tokio::test]
async fn older_file_records_all_columns_once_it_is_migrated() {
    let folder = Folder::new();
    let path = folder.database();
    for migration in ["0000", "0001"] {
        let file =
            format!("{}/src/store/sqlite/migrations/{migration}.sql", env!("CARGO_MANIFEST_DIR"));
        sqlite3(&path, &std::fs::read_to_string(file).unwrap());
    }
    sqlite3(
        &path,
        "insert into keygate_migrations (version, oldest_reader, by) values (1, 1, 'older');
        insert into keygate_clients (name) values ('App 1');",
    );
    let store = SqliteStore::migrate(&path).await.unwrap();
    store.disable_client("App 1").await.unwrap();
    let events = facts(&folder, "true");
    assert_eq!(events[0], [json!("client.added"), Value::Null, Value::Null]);
    assert_eq!((&events[1][1]["enabled"], &events[1][2]["enabled"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn policy_changes_are_recorded() {
    let folder = Folder::new();
    let store = SqliteStore::migrate(folder.database()).await.unwrap().for_actor("ann").unwrap();
    let policy = Policy::new().with_max_lifetime(Duration::from_secs(2 * 24 * 60 * 60));
    // The second one changes nothing.
    for _ in 0..2 {
        store.update_policy(policy.into()).await.unwrap();
    }
    sqlite3(&folder.database(), "update keygate_policy set require_expiry = 1;");
    assert_eq!(store.policy().await.unwrap(), policy.require_expiry());
    let rule = |required: bool| json!({"max_lifetime": "2d", "default_lifetime": null, "require_expiry": required});
    assert_eq!(events(&folder), ["ann|keygate|policy.changed||", "|sql|policy.changed||"]);
    let changes = facts(&folder, "true");
    assert_eq!(changes[0][1..], [Value::Null, rule(false)]);
    assert_eq!(changes[1][1..], [rule(false), rule(true)]);

    store.add_client("App 1".into()).await.unwrap();
    sqlite3(&folder.database(), "update keygate_policy set default_lifetime = '3d';");
    let refused = store.issue("App 1", new('A')).await.unwrap_err().to_string();
    assert!(refused.contains("the row of the policy cannot be used"), "{refused}");
    store.update_policy(policy.into()).await.unwrap();
    let end = SystemTime::now() + Duration::from_secs(60);
    store.issue("App 1", new('A').with_expiry(end)).await.unwrap();
    sqlite3(&folder.database(), "delete from keygate_policy;");
    let [.., removed] = &facts(&folder, "action = 'policy.changed'")[..] else {
        panic!("no event")
    };
    assert_eq!(removed[1..], [rule(false), Value::Null]);
}

#[tokio::test]
async fn change_of_any_column_has_an_event() {
    let folder = Folder::new();
    let store = store(&folder.database(), "A").await;
    store.add_client("App 2".into()).await.unwrap();
    for table in ["keygate_keys", "keygate_clients"] {
        // Without computed columns.
        let columns = format!(
            "select name from pragma_table_info('{table}') where pk = 0 and name not like 'stored%';"
        );
        for column in sqlite3(&folder.database(), &columns).lines() {
            let value = match column {
                "enabled" => "0",
                "client" => "'App 2'",
                "scopes" | "networks" => "'[\"a\"]'",
                "quota" => "'\"1/day\"'",
                "metadata" => "'{\"a\":\"b\"}'",
                "algorithm" | "label" | "replaced_by" | "title" => "'x'",
                _ => "'2030-01-01T00:00:00Z'",
            };
            let before = events(&folder).len();
            sqlite3(&folder.database(), &format!("update {table} set {column} = {value};"));
            assert!(events(&folder).len() > before, "{table}.{column}");
        }
    }
}

#[tokio::test]
async fn default_tool_is_keygate() {
    let folder = Folder::new();
    store(&folder.database(), "").await;
    assert_eq!(events(&folder), ["|keygate|client.added|App 1|"]);
}

#[tokio::test]
async fn refused_change_leaves_no_event_and_no_origin() {
    let folder = Folder::new();
    let store = store(&folder.database(), "A").await.with_actor("alice");
    let before = events(&folder);
    store.add_client("App 1".into()).await.unwrap_err();
    store.issue("App 1", new('A')).await.unwrap_err();
    // Dropped at every possible point.
    for steps in 0..20 {
        let change = store.issue("App 1", new('C'));
        tokio::pin!(change);
        for _ in 0..steps {
            tokio::select! {
                biased;
                _ = &mut change => break,
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let by_hand = "update keygate_clients set metadata = '{\"a\":\"b\"}';";
    sqlite3(&folder.database(), by_hand);
    let after = events(&folder);
    assert_eq!(after.last().unwrap(), "|sql|client.changed|App 1|");
    let between = &after[before.len()..after.len() - 1];
    let issued = format!("alice|keygate|key.issued|App 1|{}", id('C'));
    assert!(between.iter().all(|event| *event == issued) && between.len() <= 1, "{between:?}");
    assert_eq!(sqlite3(&folder.database(), "select count(*) from keygate_origin;"), "0");
}

#[tokio::test]
async fn changes_by_hand_have_events() {
    let folder = Folder::new();
    store(&folder.database(), "AB").await;
    let before = events(&folder).len();
    let sql = "update keygate_clients set enabled = 0;
        update keygate_clients set enabled = 1, scopes = '[\"a\"]';
        update keygate_clients set enabled = 1;
        update keygate_keys set revoked = '2026-11-23T10:00:00Z' where key_id = 'A';
        update keygate_keys set label = 'x' where key_id = 'A';
        update keygate_keys set replaced_by = 'B' where key_id = 'A';
        delete from keygate_keys where key_id = 'B';
        update keygate_clients set name = 'App 2';
        delete from keygate_clients;";
    let sql =
        sql.replace("'A'", &format!("'{}'", id('A'))).replace("'B'", &format!("'{}'", id('B')));
    sqlite3(&folder.database(), &sql);
    let mut after = events(&folder).split_off(before);
    let mut last = after.split_off(6);
    let expected = [
        "client.disabled|App 1|",
        "client.enabled|App 1|",
        "key.revoked|App 1|A",
        "key.changed|App 1|A",
        "key.rotated|App 1|A",
        "key.removed|App 1|B",
    ];
    assert_eq!(after, expected.map(|event| format!("|sql|{event}")));
    last.sort();
    let expected = [
        "client.added|App 2|",
        "client.removed|App 1|",
        "client.removed|App 2|",
        "key.changed|App 2|A",
        "key.removed|App 2|A",
    ];
    assert_eq!(last, expected.map(|event| format!("|sql|{event}")));
}

#[tokio::test]
async fn events_cannot_be_changed_or_removed() {
    let folder = Folder::new();
    store(&folder.database(), "A").await;
    let before = events(&folder);
    for sql in [
        "update keygate_events set actor = 'bob';",
        "delete from keygate_events;",
        "insert or replace into keygate_events (seq, tool, action) values (1, 'x', 'y');",
    ] {
        let error = try_sqlite3(&folder.database(), sql).unwrap_err();
        assert!(error.contains("keygate_events is append-only"), "{error}");
    }
    assert_eq!(events(&folder), before);
}
