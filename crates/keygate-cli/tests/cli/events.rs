//! `keygate events`, and the actor of changes.

use std::fs;

use serde_json::{Value, json};

use crate::tool::{Sandbox, id_of};

/// Creates stores of every kind, each with the options to record its changes.
fn stores() -> Vec<(Sandbox, Vec<&'static str>)> {
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    let stores = crate::databases::stores();
    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    let stores = vec![Sandbox::new()];
    let with_options = |sandbox: Sandbox| {
        let is_file = sandbox.path("keys.yaml").exists();
        fs::create_dir(sandbox.path("state")).unwrap();
        (sandbox, if is_file { vec!["--state-directory", "state"] } else { vec![] })
    };
    stores.into_iter().map(with_options).collect()
}

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

#[test]
fn changes_are_listed_with_actor_and_difference() {
    for (sandbox, state) in stores() {
        let run = |arguments: &[&str]| sandbox.run(with(arguments, &state)).succeeds();
        run(&["client", "add", "App 1", "--metadata", "team=billing", "--actor", "ann"]);
        run(&["client", "set", "App 1", "--quota", "9/day", "--add-scope", "orders:read"]);
        let key = run(&["key", "issue", "App 1"]);
        let id = id_of(key.out.trim());
        run(&["key", "revoke", "--yes", &id, "--actor", "bob"]);
        run(&["client", "disable", "App 1"]);
        // A command without a change, and a dry run, are not recorded.
        run(&["client", "disable", "App 1"]);
        run(&["client", "enable", "App 1", "--dry-run"]);

        let listed = run(&["events"]).out;
        let lines: Vec<_> = listed.lines().collect();
        let fields = |line: &str| -> Vec<String> {
            line.split("  ").map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
        };
        assert_eq!(fields(lines[0]), ["TIME", "ACTOR", "ACTION", "CLIENT", "KEY", "CHANGE"]);
        let seen = lines[1..].iter().map(|line| fields(line)[1..].join("|")).collect::<Vec<_>>();
        assert_eq!(seen[0], "tester|client.disabled|App 1");
        assert_eq!(seen[1], format!("bob|key.revoked|App 1|{id}"));
        assert_eq!(seen[2], format!("tester|key.issued|App 1|{id}"));
        let mut change: Vec<_> = seen[3].split(['|', ',']).map(str::trim).collect();
        change[3..].sort_unstable();
        let expected = [
            "tester",
            "client.changed",
            "App 1",
            "quota none -> 9/day",
            "scopes none -> orders:read",
        ];
        assert_eq!(change, expected);
        assert_eq!(seen[4], "ann|client.added|App 1|metadata team billing");
        assert_eq!(seen.len(), 5, "{listed}");

        let listed = run(&["events", "--json", "--actor", "ann"]).json();
        let [event] = &listed.as_array().unwrap()[..] else { panic!("{listed}") };
        assert_eq!((&event["action"], &event["actor"]), (&json!("client.added"), &json!("ann")));
        assert_eq!((&event["before"], &event["after"]["name"]), (&Value::Null, &json!("App 1")));
        let csv = run(&["events", "--csv", "--key", &id, "--action", "key.revoked"]).out;
        let (head, row) = csv.split_once("\r\n").unwrap();
        assert_eq!(head, "at,actor,tool,action,client,key_id,before,after");
        assert!(
            row.contains(",bob,") && row.contains(&format!(",key.revoked,App 1,{id},")),
            "{row}"
        );

        let result = run(&["events", "--limit", "2"]);
        assert_eq!(result.out.lines().count(), 3);
        assert!(
            result.err.starts_with("there are older changes: raise --limit, or list the next ones"),
            "{}",
            result.err
        );
        let result = run(&["events", "--since", "30d", "--client", "App 1"]);
        assert_eq!((result.out.lines().count(), &*result.err), (6, ""));
    }
}

#[test]
fn limited_list_of_changes_continues_after_its_cursor() {
    for (sandbox, state) in stores() {
        let run = |arguments: &[&str]| sandbox.run(with(arguments, &state));
        for name in ["App 1", "App 2", "App 3"] {
            run(&["client", "add", name]).succeeds();
        }
        let all = run(&["events", "--json"]).succeeds().json();
        let (mut pages, mut after) = (Vec::new(), Vec::new());
        loop {
            let page = run(&[&["events", "--json", "--limit", "2"], &after[..]].concat());
            pages.extend(page.json().as_array().unwrap().clone());
            let Some((_, cursor)) = page.err.split_once("--after ") else { break };
            after = vec!["--after", cursor.split('"').next().unwrap().to_owned().leak()];
        }
        assert_eq!((pages.len(), Value::from(pages)), (3, all));
        run(&["events", "--after", "x"]).fails(1, "start again from the first page");
    }
}

#[test]
fn client_and_key_are_shown_with_their_latest_changes() {
    for (sandbox, state) in stores() {
        let run = |arguments: &[&str]| sandbox.run(with(arguments, &state)).succeeds();
        run(&["client", "add", "App 1", "--actor", "ann"]);
        let id = id_of(run(&["key", "issue", "App 1", "--actor", "bob"]).out.trim());
        let shown = run(&["client", "show", "App 1"]).out;
        let (_, events) = shown.split_once("\nTIME ").expect(&shown);
        assert_eq!(events.lines().count(), 3, "{events}");
        assert!(events.contains("  ann    client.added  App 1"), "{events}");
        let shown = run(&["key", "show", &id]).out;
        let (_, events) = shown.split_once("\nTIME ").expect(&shown);
        assert!(
            events.contains("  bob    key.issued  App 1   ") && events.lines().count() == 2,
            "{events}"
        );
        let json = run(&["key", "show", &id, "--json"]).json();
        assert_eq!(json["events"][0]["actor"], "bob");
        let json = run(&["client", "show", "App 1", "--json"]).json();
        assert_eq!(json["events"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn removed_client_and_key_keep_their_events() {
    for (sandbox, state) in stores() {
        let run = |arguments: &[&str]| sandbox.run(with(arguments, &state));
        run(&["client", "add", "App 1"]).succeeds();
        let id = id_of(run(&["key", "issue", "App 1"]).succeeds().out.trim());
        run(&["client", "disable", "App 1"]).succeeds();
        run(&["client", "remove", "App 1", "--yes"]).succeeds();
        let listed = run(&["events", "--client", "App 1"]).succeeds().out;
        assert_eq!(listed.lines().count(), 6, "{listed}");
        let listed = run(&["events", "--key", &id]).succeeds().out;
        assert!(listed.contains("key.removed"), "{listed}");
        let hint = "lists the keys; a key that was removed is found by its whole ID\n";
        run(&["events", "--key", &id[..8]]).fails(1, hint);
        let none = run(&["events", "--client", "App 1", "--action", "policy.changed"]).succeeds();
        assert_eq!((&*none.out, &*none.err), ("", "no recorded changes match\n"));
        run(&["client", "add", "App 2"]).succeeds();
        run(&["events", "--client", "App 3"]).fails(1, "the nearest is `App 2`");
        run(&["events", "--key", "1f0c2b7a9d3e4c58"])
            .fails(1, "no key has the id 1f0c2b7a9d3e4c58");
        run(&["events", "--action", "key.painted"]).fails(2, "an action is one of client.added");
        run(&["events", "--limit", "0"]).fails(2, "--limit");
        run(&["client", "add", "App 4", "--actor", "two\nlines"]).fails(2, "invalid actor name");
        assert_eq!(run(&["events", "--client", "App 4"]).code, 1);
    }
}

#[test]
fn changes_of_a_file_are_recorded_in_the_given_folder() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("state")).unwrap();
    sandbox.run(["client", "add", "App 1"]).succeeds();
    sandbox
        .run(["events"])
        .fails(2, "give --state-directory FOLDER or set KEYGATE_STATE_DIRECTORY");
    let shown = sandbox.run(["client", "show", "App 1"]).succeeds();
    assert!(!shown.out.contains("TIME") && shown.err.is_empty(), "{shown:?}");

    let missing = ["client", "add", "App 2", "--state-directory", "missing"];
    sandbox.run(missing).fails(3, "changes cannot be recorded in missing");
    sandbox.run(["client", "show", "App 2"]).fails(1, "there is no client");
    for command in [&["events"][..], &["client", "show", "App 1"]] {
        let read = with(command, &["--state-directory", "missing"]);
        sandbox.run(read).fails(3, "recorded changes cannot be read from missing");
    }

    let in_environment = |name: &str, arguments: &[&str]| -> crate::tool::CommandResult {
        let mut command = sandbox.command(arguments);
        command
            .env(name, sandbox.path("state"))
            .env("KEYGATE_ACTOR", "ann")
            .output()
            .unwrap()
            .into()
    };
    // A systemd folder without a record is not used.
    in_environment("STATE_DIRECTORY", &["client", "add", "App 3"]).succeeds();
    assert!(!sandbox.path("state/events.jsonl").exists());
    in_environment("KEYGATE_STATE_DIRECTORY", &["client", "add", "App 4"]).succeeds();
    in_environment("STATE_DIRECTORY", &["client", "add", "App 5"]).succeeds();
    let recorded = sandbox.read("state/events.jsonl");
    assert_eq!(recorded.lines().count(), 2, "{recorded}");
    assert_eq!(
        recorded.matches(r#""actor":"ann","action":"client.added""#).count(),
        2,
        "{recorded}"
    );
}

/// If a change cannot be recorded, it is still made, and the other events are still listed.
#[test]
fn damaged_record_does_not_hide_the_other_events() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("state")).unwrap();
    let state = ["--state-directory", "state"];
    sandbox.run(with(&["client", "add", "App 1"], &state)).succeeds();
    let log = sandbox.path("state/events.jsonl");
    let text = sandbox.read("state/events.jsonl");
    fs::write(&log, format!("{text}{{\"at\":\"2027-\n")).unwrap();
    let result = sandbox.run(with(&["events"], &state));
    assert_eq!((result.code, result.out.lines().count()), (1, 2), "{result:?}");
    assert!(
        result.err.contains("is not an event")
            && result.err.contains("1 recorded change cannot be read"),
        "{}",
        result.err
    );
}
