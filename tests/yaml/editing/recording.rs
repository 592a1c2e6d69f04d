//! The log of changes beside a file.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keygate::YamlStore;
use keygate::manage::{ClientChange, EventQuery, KeyChange, Policy, PurgeKeys};
use keygate::store::KeyFileEvent;
use serde_json::{Value, json};

use crate::editing::fixture::{Folder, id, mode, new, now, open, read};

fn events(folder: &Folder) -> Vec<Value> {
    let log = read(&folder.path().join("events.jsonl"));
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn recorded(folder: &Folder, text: &str) -> YamlStore {
    open(&folder.file("keys.yml", text)).record_events(folder.path()).unwrap()
}

#[test]
fn each_change_is_a_line_with_its_actor_and_both_states() {
    let folder = Folder::new();
    let store = recorded(&folder, "version: 1\n");
    let ann = store.for_actor("ann").unwrap();
    ann.add_client("App 1").unwrap();
    let change = ClientChange::new().add_scope("orders:read".parse().unwrap());
    let change = change.with_quota("1/day".parse().unwrap()).set_metadata("team", "a \"b\"\n");
    let networks = ["10.0.0.0/8".parse().unwrap()];
    let change = change.with_title("Shop").with_networks(networks);
    ann.update_client("App 1", change.clone()).unwrap();
    // This changes nothing.
    ann.update_client("App 1", change).unwrap();
    store.issue("App 1", new('A')).unwrap();
    let change = KeyChange::new().with_label("mobile").with_networks(networks);
    store.update_key(&id('A'), change.with_scopes(["orders:read".parse().unwrap()])).unwrap();
    store.rotate(&id('A'), new('B'), Duration::from_secs(60)).unwrap();
    store.revoke(&id('B')).unwrap();
    store.update_policy(Policy::new().require_expiry()).unwrap();
    store.disable_client("App 1").unwrap();
    store.remove_client("App 1").unwrap();

    let events = events(&folder);
    let actions = events.iter().map(|event| event["action"].as_str().unwrap()).collect::<Vec<_>>();
    let expected = [
        "client.added",
        "client.changed",
        "key.issued",
        "key.changed",
        "key.rotated",
        "key.issued",
        "key.revoked",
        "policy.changed",
        "client.disabled",
        "client.removed",
        "key.removed",
        "key.removed",
    ];
    let sorted = |actions: &[&str]| {
        let mut actions = actions.iter().map(|action| (*action).to_owned()).collect::<Vec<_>>();
        actions.sort();
        actions
    };
    // The keys of one change are in the order of their ids.
    assert_eq!((&actions[..4], &actions[6..]), (&expected[..4], &expected[6..]));
    assert_eq!(sorted(&actions), sorted(&expected));
    let plain = json!({"name": "App 1", "title": null, "enabled": true, "scopes": [],
        "networks": [], "quota": null, "metadata": {}});
    let full = json!({"name": "App 1", "title": "Shop", "enabled": true,
        "scopes": ["orders:read"], "networks": ["10.0.0.0/8"], "quota": "1/day", "metadata": {"team": "a \"b\"\n"}});
    assert_eq!(
        events[1],
        json!({"at": "2026-11-24T10:00:00.6Z", "actor": "ann", "action": "client.changed",
            "client": "App 1", "key_id": null, "before": plain, "after": full})
    );
    assert_eq!(events[0]["before"], Value::Null);
    assert_eq!(events[2]["actor"], Value::Null);
    assert_eq!(events[2]["after"], events[3]["before"]);
    assert_eq!(events[3]["after"]["label"], "mobile");
    assert_eq!(events[3]["before"]["scopes"], json!([]));
    assert_eq!(events[3]["after"]["scopes"], json!(["orders:read"]));
    assert_eq!(events[3]["after"]["networks"], json!(["10.0.0.0/8"]));
    assert_eq!(events[3]["key_id"], id('A').to_string());
    assert_eq!(events[7]["after"]["require_expiry"], true);
    assert_eq!((&events[8]["before"], &events[9]["after"]), (&full, &Value::Null));
    let log = read(&folder.path().join("events.jsonl"));
    assert!(!log.contains("sha256") && !log.contains(&crate::editing::fixture::key('A')));
    assert_eq!(mode(&folder.path().join("events.jsonl")), 0o600);
}

#[test]
fn event_of_a_key_has_its_lifetime() {
    let folder = Folder::new();
    let store = recorded(&folder, "version: 1\n");
    store.add_client("App 1").unwrap();
    let [begin, end] = [60, 3_600].map(|seconds| now() + Duration::from_secs(seconds));
    store.issue("App 1", new('A').with_not_before(begin).with_expiry(end)).unwrap();
    let after = &events(&folder)[1]["after"];
    assert_eq!(after["not_before"], "2026-11-24T10:01:00.6Z");
    assert_eq!(after["expires"], "2026-11-24T11:00:00.6Z");
}

#[test]
fn purge_is_recorded_with_the_facts_of_the_key() {
    let folder = Folder::new();
    let store = recorded(&folder, "version: 1\n").for_actor("ann").unwrap();
    store.add_client("App 1").unwrap();
    store.issue("App 1", new('A').with_label("old")).unwrap();
    store.revoke(&id('A')).unwrap();
    let purge = PurgeKeys::new().revoked_before(now());
    store.purge_keys(&purge.dry_run()).unwrap();
    store.purge_keys(&purge).unwrap();
    let events = events(&folder);
    let [_, _, revoked, purged] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&purged["action"], &purged["actor"]), (&json!("key.purged"), &json!("ann")));
    assert_eq!(purged["key_id"], id('A').to_string());
    assert_eq!((&purged["before"], &purged["after"]), (&revoked["after"], &Value::Null));
    assert_eq!(purged["before"]["label"], "old");
}

#[test]
fn changes_are_recorded_only_if_enabled() {
    let folder = Folder::new();
    let store = open(&folder.file("keys.yml", "version: 1\n"));
    store.add_client("App 1").unwrap();
    let recording = store.clone().record_events(folder.path()).unwrap();
    recording.dry_run().add_client("App 2").unwrap();
    store.add_client("App 3").unwrap();
    assert_eq!(read(&folder.path().join("events.jsonl")), "");
    assert!(store.record_events(folder.path().join("missing")).is_err());
}

#[test]
fn unrecorded_change_is_made_and_reported() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    let path = folder.file("keys.yml", "version: 1\n");
    let reported = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reported);
    let store = open(&path).with_events(move |event| {
        if let KeyFileEvent::NotRecorded { .. } = event {
            sink.lock().unwrap().push(event.to_string());
        }
    });
    let store = store.record_events(&state).unwrap();
    fs::remove_dir_all(&state).unwrap();
    store.add_client("App 1").unwrap();
    assert_eq!(open(&path).list_clients().len(), 1);
    let reported = reported.lock().unwrap();
    let [message] = &reported[..] else { panic!("{reported:?}") };
    assert!(message.contains("events.jsonl: a change was made but not recorded"), "{message}");
}

#[test]
fn truncated_line_stays_separate_from_the_next() {
    let folder = Folder::new();
    let store = recorded(&folder, "version: 1\n");
    let log = folder.path().join("events.jsonl");
    fs::write(&log, "{\"at\":\"2026-").unwrap();
    fs::set_permissions(&log, fs::Permissions::from_mode(0o640)).unwrap();
    store.add_client("App 1").unwrap();
    let text = read(&log);
    let [cut, whole] = &text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert_eq!(*cut, "{\"at\":\"2026-");
    let whole: Value = serde_json::from_str(whole).unwrap();
    assert_eq!(whole["action"], "client.added");
    assert_eq!(mode(&log), 0o640);
}

#[test]
fn planted_log_is_neither_written_nor_waited_for() {
    let folder = Folder::new();
    let store = recorded(&folder, "version: 1\n");
    let log = folder.path().join("events.jsonl");
    let target = folder.file("target", "somebody's");
    for (plant, why) in [
        (["ln", "-s", "target"], "it is a symbolic link"),
        (["ln", "-s", "missing"], "it is a symbolic link"),
        (["ln", "-P", "target"], "it has another name, a hard link"),
        (["mkfifo", "-m", "600"], "it is not a regular file"),
    ] {
        fs::remove_file(&log).unwrap();
        let [program, arguments @ ..] = plant;
        let mut command = Command::new(program);
        command.args(arguments).arg("events.jsonl").current_dir(folder.path());
        assert!(command.status().unwrap().success());
        let error = store.clone().record_events(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), why, "{plant:?}");
        if !fs::metadata(&log).is_ok_and(|log| log.is_file() && log.nlink() > 1) {
            let error = store.events(&EventQuery::new()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        store.add_client(format!("App {}", plant.concat())).unwrap();
        assert_eq!(read(&target), "somebody's");
        assert!(!folder.path().join("missing").exists());
    }
}

/// The tool of root creates the log, and the service of another user appends to it.
#[test]
fn new_log_belongs_to_the_owner_of_its_folder() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    // Only root can give a folder away.
    let given = chown(&state, Some(12_345), Some(12_346)).is_ok();
    let store = open(&folder.file("keys.yml", "version: 1\n")).record_events(&state).unwrap();
    store.add_client("App 1").unwrap();
    let (log, owner) = (state.join("events.jsonl"), fs::metadata(&state).unwrap());
    let metadata = fs::metadata(&log).unwrap();
    assert_eq!((metadata.uid(), mode(&log)), (owner.uid(), 0o600));
    assert_eq!(metadata.uid() == 12_345, given);
    assert_eq!(read(&log).lines().count(), 1);
}
