//! Events: who changed what, when and with which tool.

use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::manage::{ClientChange, KeyChange, Policy};
use keygate::{KeyDigest, ManageKeys as _, NewKey};

use crate::servers::{Database, Postgres, query};
use crate::store::{KEY, OTHER_KEY, issue, migrated, store_with_key};
use serde_json::{Value, json};

const WHAT: &str = "select action, client, key_id from keygate.events order by seq";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_has_one_event() {
    let database = Postgres::shared().database();
    let store = migrated(&database).await.with_actor("ada").with_tool("a test");
    store.add_client("App 1".into()).await.unwrap();
    let old = issue(&store, KEY).await;
    let new = NewKey::new(KeyDigest::of(OTHER_KEY.as_bytes()));
    let new = store.rotate(&old, new, Duration::ZERO).await.unwrap().new.key_id;
    store.revoke(&new).await.unwrap();
    store.revoke(&new).await.unwrap();
    store.disable_client("App 1").await.unwrap();
    store.disable_client("App 1").await.unwrap();
    store.enable_client("App 1").await.unwrap();
    store.disable_client("App 1").await.unwrap();
    store.remove_client("App 1").await.unwrap();
    let mut expected = format!(
        "client.added|App 1|\nkey.issued|App 1|{old}\nkey.issued|App 1|{new}\n\
         key.rotated|App 1|{old}\nkey.revoked|App 1|{new}\nclient.disabled|App 1|\n\
         client.enabled|App 1|\nclient.disabled|App 1|\n"
    );
    let all = database.psql(WHAT);
    let (first, last) = all.split_at(expected.len().min(all.len()));
    assert_eq!(first, expected);
    expected = format!("client.removed|App 1|\nkey.removed|App 1|{old}\nkey.removed|App 1|{new}");
    assert_eq!(sorted(last), sorted(&expected));
    let by = "select distinct actor, tool, role from keygate.events";
    assert_eq!(database.psql(by), format!("ada|a test|{}", Postgres::OWNER));
    let when = "select count(*) from keygate.events where at not between \
                now() - interval '5 minutes' and now()";
    assert_eq!(database.psql(when), "0");
}

fn sorted(lines: &str) -> Vec<&str> {
    let mut lines = lines.lines().collect::<Vec<_>>();
    lines.sort_unstable();
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_fields_have_one_event_and_its_actor() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    let key_id = store.list_keys(None).await.unwrap()[0].key_id;
    let before = database.psql("select count(*) from keygate.events");
    let ann = store.for_actor("ann").unwrap();
    let change = ClientChange::new().set_metadata("team", "billing");
    // The second one changes nothing.
    for _ in 0..2 {
        let change = change.clone().with_quota("1/day".parse().unwrap());
        ann.update_client("App 1", change).await.unwrap();
        ann.update_key(&key_id, KeyChange::new().with_label("mobile")).await.unwrap();
    }
    let new = format!(
        "select actor, action, client, key_id from keygate.events order by seq offset {before}"
    );
    let expected = format!("ann|client.changed|App 1|\nann|key.changed|App 1|{key_id}");
    assert_eq!(database.psql(&new), expected);
}

/// The action, and the row before and after, of the events of a client or key.
fn facts(database: &Database<'_>, what: &str) -> Vec<[Value; 3]> {
    let sql = format!(
        "select json_build_array(action, before, after) from keygate.events where {what} order by seq"
    );
    database.psql(&sql).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_say_what_was_changed() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    let key_id = store.list_keys(None).await.unwrap()[0].key_id;
    let networks = ["10.0.0.0/8".parse().unwrap()];
    let change = ClientChange::new().add_scope("orders:read".parse().unwrap()).with_title("Shop");
    let change = change.with_quota("1/day".parse().unwrap()).set_metadata("team", "a \"b\"");
    store.update_client("App 1", change.with_networks(networks)).await.unwrap();
    store.disable_client("App 1").await.unwrap();
    let end = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let change = KeyChange::new().with_label("mobile").with_expiry(end).with_networks(networks);
    let change = change.with_scopes(["orders:read".parse().unwrap()]);
    store.update_key(&key_id, change).await.unwrap();
    store.remove_client("App 1").await.unwrap();
    let [added, changed, disabled, removed] = &facts(&database, "key_id is null")[..] else {
        panic!("another number of events")
    };
    assert_eq!((&added[0], &added[1]), (&json!("client.added"), &Value::Null));
    assert_eq!(added[2]["enabled"], true);
    assert_eq!((&changed[0], &changed[1]), (&json!("client.changed"), &added[2]));
    assert_eq!(changed[2]["scopes"], json!(["orders:read"]));
    assert_eq!(changed[2]["metadata"], json!({"team": "a \"b\""}));
    assert_eq!((&changed[1]["title"], &changed[2]["title"]), (&Value::Null, &json!("Shop")));
    assert_eq!(changed[2]["networks"], json!(["10.0.0.0/8"]));
    assert_eq!((&disabled[1], &disabled[2]["enabled"]), (&changed[2], &json!(false)));
    assert_eq!((&removed[1], &removed[2]), (&disabled[2], &Value::Null));
    let [issued, changed, removed] = &facts(&database, "key_id is not null")[..] else {
        panic!("another number of events")
    };
    assert_eq!(issued[2]["key_id"], key_id.to_string());
    assert_eq!(changed[1], issued[2]);
    assert_eq!(changed[2]["label"], "mobile");
    assert_eq!((&changed[1]["scopes"], &changed[1]["networks"]), (&json!([]), &json!([])));
    assert_eq!(changed[2]["scopes"], json!(["orders:read"]));
    assert_eq!(changed[2]["networks"], json!(["10.0.0.0/8"]));
    assert_eq!(changed[2]["expires"], "2096-10-02T07:06:40+00:00");
    assert_eq!((&removed[1], &removed[2]), (&changed[2], &Value::Null));
    let names = "select string_agg(column_name, ',' order by column_name) \
                 from information_schema.columns where table_schema = 'keygate' and table_name = ";
    for (table, facts) in [("clients", &disabled[2]), ("keys", &changed[2])] {
        let names = database.psql(&format!("{names}'{table}'"));
        let names = names.split(',').filter(|name| !["digest", "algorithm"].contains(name));
        let found: Vec<_> = facts.as_object().unwrap().keys().collect();
        assert_eq!(found, names.collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policy_changes_are_recorded() {
    let database = Postgres::shared().database();
    let store = migrated(&database).await.for_actor("ann").unwrap();
    let policy = Policy::new().with_max_lifetime(Duration::from_secs(2 * 24 * 60 * 60));
    // The second one changes nothing.
    for _ in 0..2 {
        store.update_policy(policy.into()).await.unwrap();
    }
    database.psql("update keygate.policy set require_expiry = true");
    assert_eq!(store.policy().await.unwrap(), policy.require_expiry());
    let rule = |required: bool| json!({"max_lifetime": "2d", "default_lifetime": null, "require_expiry": required});
    let changes = facts(&database, "true");
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0], [json!("policy.changed"), Value::Null, rule(false)]);
    assert_eq!(changes[1][1..], [rule(false), rule(true)]);
    assert_eq!(database.psql("select actor from keygate.events order by seq limit 1"), "ann");

    store.add_client("App 1".into()).await.unwrap();
    database.psql("update keygate.policy set default_lifetime = '3d'");
    let key = || NewKey::new(KeyDigest::of(KEY.as_bytes()));
    let refused = store.issue("App 1", key()).await.unwrap_err().to_string();
    assert!(refused.contains("the row of the policy cannot be used"), "{refused}");
    store.update_policy(policy.into()).await.unwrap();
    let end = SystemTime::now() + Duration::from_secs(60);
    store.issue("App 1", key().with_expiry(end)).await.unwrap();
    database.psql("delete from keygate.policy");
    let [.., removed] = &facts(&database, "action = 'policy.changed'")[..] else {
        panic!("no event")
    };
    assert_eq!(removed[1..], [rule(false), Value::Null]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renaming_by_hand_has_both_rows_in_its_events() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    database.psql("update keygate.clients set name = 'App 2'");
    let [removed, added] =
        &facts(&database, "action in ('client.removed', 'client.added') and seq > 2")[..]
    else {
        panic!("another number of events")
    };
    let [removed, added] =
        if removed[0] == "client.removed" { [removed, added] } else { [added, removed] };
    assert_eq!((&removed[1]["name"], &removed[2]), (&json!("App 1"), &Value::Null));
    assert_eq!((&added[1], &added[2]["name"]), (&Value::Null, &json!("App 2")));
    let [changed] = &facts(&database, "action = 'key.changed'")[..] else {
        panic!("no event of the key")
    };
    assert_eq!((&changed[1]["client"], &changed[2]["client"]), (&json!("App 1"), &json!("App 2")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_default_to_the_role_and_the_application_name() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    let by = "select distinct actor, tool from keygate.events";
    assert_eq!(database.psql(by), format!("{}|keygate", Postgres::OWNER));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolled_back_change_has_no_event() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    let before = database.psql(WHAT);
    assert!(store.add_client("App 1".into()).await.is_err());
    let key = NewKey::new(KeyDigest::of(KEY.as_bytes()));
    assert!(store.issue("App 1", key).await.is_err());
    database.psql("begin; delete from keygate.clients; rollback");
    assert_eq!(database.psql(WHAT), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_by_hand_have_events() {
    let server = Postgres::start();
    server.psql("create role hand superuser login password 'h'");
    let database = server.database();
    let store = store_with_key(&database).await;
    let other = issue(&store, OTHER_KEY).await;
    let key = store.list_keys(None).await.unwrap().into_iter().find(|key| key.key_id != other);
    let key = key.unwrap().key_id;
    let url = database.url_as("hand", "h");
    let noted = |sql: &str| {
        let seq = database.psql("select max(seq) from keygate.events");
        query(&url, sql).unwrap();
        database.psql(&format!(
            "select action, client, key_id, actor, tool, role from keygate.events \
             where seq > {seq} order by action, client, key_id"
        ))
    };
    let by = "hand|psql|hand";
    assert_eq!(
        noted("update keygate.clients set name = 'App 2', metadata = '{\"a\": \"b\"}'"),
        format!(
            "client.added|App 2||{by}\nclient.removed|App 1||{by}\n{}",
            sorted(&format!("key.changed|App 2|{key}|{by}\nkey.changed|App 2|{other}|{by}"))
                .join("\n")
        )
    );
    assert_eq!(
        noted("update keygate.clients set scopes = '{a:b}'"),
        format!("client.changed|App 2||{by}")
    );
    assert_eq!(
        noted(&format!("update keygate.keys set revoked = now() where key_id = '{key}'")),
        format!("key.revoked|App 2|{key}|{by}")
    );
    // It was revoked before.
    assert_eq!(
        noted(&format!("update keygate.keys set label = 'old' where key_id = '{key}'")),
        format!("key.changed|App 2|{key}|{by}")
    );
    assert_eq!(
        noted(&format!("update keygate.keys set revoked = null where key_id = '{key}'")),
        format!("key.changed|App 2|{key}|{by}")
    );
    assert_eq!(
        noted(&format!("update keygate.keys set replaced_by = '{other}' where key_id = '{key}'")),
        format!("key.rotated|App 2|{key}|{by}")
    );
    assert_eq!(
        noted(&format!("update keygate.keys set label = 'older' where key_id = '{key}'")),
        format!("key.changed|App 2|{key}|{by}")
    );
    assert_eq!(noted("update keygate.keys set label = label"), "");
    assert_eq!(noted("update keygate.clients set scopes = scopes"), "");
    assert_eq!(
        noted(&format!("delete from keygate.keys where key_id = '{key}'")),
        format!("key.removed|App 2|{key}|{by}")
    );
    assert_eq!(noted("truncate keygate.keys"), format!("all.removed|||{by}"));
    assert_eq!(
        noted("truncate keygate.clients cascade"),
        format!("all.removed|||{by}\nall.removed|||{by}")
    );
    assert_eq!(
        noted(
            "begin; set local keygate.actor = 'ada'; set local keygate.tool = 'runbook'; \
               insert into keygate.clients (name) values ('App 3'); commit"
        ),
        "client.added|App 3||ada|runbook|hand"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_append_only() {
    let database = Postgres::shared().database();
    store_with_key(&database).await;
    for change in ["delete from", "truncate", "update"] {
        let rest = if change == "update" { "set actor = 'nobody'" } else { "" };
        let sql = format!("{change} keygate.events {rest}");
        let error = query(&database.url(), &sql).unwrap_err();
        assert!(error.contains("append-only"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_are_notified_once_per_transaction() {
    let database = Postgres::shared().database();
    migrated(&database).await;
    let mut listener = Command::new("psql");
    listener.args(["-X", "-q", "-d", &database.url()]);
    listener.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut listener = listener.spawn().unwrap();
    {
        use std::io::Write as _;
        let mut input = listener.stdin.take().unwrap();
        input.write_all(b"listen keygate;\n").unwrap();
        let listening = "select count(*) from pg_stat_activity where query = 'listen keygate;' \
                         and state = 'idle' and datname = current_database()";
        while database.psql(listening) != "1" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        database.psql(
            "begin; insert into keygate.clients (name) values ('a'), ('b'); \
             insert into keygate.clients (name) values ('c'); delete from keygate.clients; commit",
        );
        // The notification is read with the next response.
        input.write_all(b"select 1;\nselect 2;\n").unwrap();
    }
    let output = String::from_utf8(listener.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(output.matches("Asynchronous notification \"keygate\"").count(), 1, "{output}");
    assert!(!output.contains("payload"), "{output}");
}
