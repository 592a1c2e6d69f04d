use crate::tool::{Sandbox, id_of, stores};

const FILE: &str = "\
                    clients:
  App 1:
    keys:
      - digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
        label: production
        created: 2020-01-01T00:00:00Z
        expires: 2098-12-31T00:00:00Z
      - digest: sha256:3c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
        created: 2020-01-02T00:00:00Z
        expires: 2021-01-01T00:00:00Z
  Größe 日本:
    enabled: false
    keys:
      - digest: sha256:4c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
";

#[test]
fn table_of_keys_is_aligned_with_relative_times() {
    let sandbox = Sandbox::with_file(FILE);
    let result = sandbox.run(["key", "list"]).succeeds();
    let lines: Vec<_> = result.out.lines().collect();
    assert_eq!(
        lines[0],
        "ID                CLIENT      LABEL       STATE     CREATED      EXPIRES"
    );
    assert!(
        lines[1].starts_with("2c26b46b68ffc68f  App 1       production  active    "),
        "{}",
        lines[1]
    );
    assert!(
        lines[1].contains(" years ago  expires in 7") && lines[1].ends_with(" years"),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].starts_with("3c26b46b68ffc68f  App 1                   expired   "),
        "{}",
        lines[2]
    );
    assert!(lines[2].contains(" ago  expired ") && lines[2].ends_with(" ago"), "{}", lines[2]);
    assert_eq!(lines[3], "4c26b46b68ffc68f  Größe 日本              disabled               never");
    assert_eq!(lines.len(), 4);
}

#[test]
fn list_can_be_limited_to_one_client() {
    let sandbox = Sandbox::with_file(FILE);
    let result = sandbox.run(["key", "list", "Größe 日本", "--json"]).succeeds();
    let keys = result.json();
    assert_eq!(keys.as_array().unwrap().len(), 1);
    assert_eq!((&keys[0]["client"], &keys[0]["state"]), (&"Größe 日本".into(), &"disabled".into()));
    sandbox.run(["key", "list", "App 2"]).fails(1, "the nearest is `App 1`");
}

#[test]
fn expiring_lists_working_keys_soonest_first() {
    let sandbox = Sandbox::with_client("App 1");
    let [late, soon] = ["10d", "2d"].map(|end| id_of(&sandbox.issue(&["App 1", "--expires", end])));
    sandbox.issue(&["App 1", "--expires", "20d"]);
    sandbox.issue(&["App 1"]);
    let revoked = id_of(&sandbox.issue(&["App 1", "--expires", "3d"]));
    sandbox.run(["key", "revoke", "--yes", &revoked]).succeeds();
    sandbox.run(["client", "add", "App 2"]).succeeds();
    sandbox.issue(&["App 2", "--expires", "4d"]);
    sandbox.run(["client", "disable", "App 2"]).succeeds();

    let result = sandbox.run(["key", "list", "--expiring", "14d", "--json"]).succeeds();
    let ids: Vec<_> =
        result.json().as_array().unwrap().iter().map(|key| key["key_id"].clone()).collect();
    assert_eq!(ids, [soon.as_str(), late.as_str()]);
    let result = sandbox.run(["key", "list", "--expiring", "14d"]).succeeds();
    assert!(
        result.out.contains("expiring") && result.out.contains("expires in 2 days"),
        "{}",
        result.out
    );
    sandbox.run(["key", "list", "--expiring", "0d"]).fails(2, "the duration is zero");
}

#[test]
fn exit_code_says_whether_a_list_is_empty() {
    let sandbox = Sandbox::with_client("App 1");
    let list = ["key", "list", "--expiring", "14d", "--json"];
    let with_exit_code = [&list[..], &["--exit-code"]].concat();
    assert_eq!(sandbox.run(&with_exit_code).succeeds().out, "[]\n");
    let id = id_of(&sandbox.issue(&["App 1", "--expires", "13d"]));
    sandbox.run(list).succeeds();
    let result = sandbox.run(&with_exit_code);
    assert_eq!((result.code, &*result.err), (1, ""));
    assert_eq!(result.json()[0]["key_id"], id);

    sandbox.run(["client", "list", "--disabled", "--exit-code"]).succeeds();
    sandbox.run(["client", "disable", "App 1"]).succeeds();
    sandbox.run(["client", "list", "--disabled"]).succeeds();
    let result = sandbox.run(["client", "list", "--disabled", "--exit-code"]);
    assert_eq!((result.code, result.out.contains("App 1")), (1, true));
}

#[test]
fn keys_are_listed_by_state() {
    let sandbox = Sandbox::with_file(FILE);
    for (states, ids) in [
        ("expired", &["3c26b46b68ffc68f"][..]),
        ("active,disabled", &["2c26b46b68ffc68f", "4c26b46b68ffc68f"]),
        ("revoked", &[]),
    ] {
        let listed = sandbox.run(["key", "list", "--json", "--state", states]).succeeds().json();
        let listed = listed.as_array().unwrap().iter().map(|key| key["key_id"].as_str().unwrap());
        assert_eq!(listed.collect::<Vec<_>>(), ids, "{states}");
    }
    let result = sandbox.run(["key", "list", "--state", "revoked"]).succeeds();
    assert_eq!(result.err, "no keys match\n");
}

#[test]
fn lists_are_filtered_in_every_store() {
    for sandbox in stores() {
        for (name, scope, team) in
            [("App 1", "orders:*", "billing"), ("App 2", "stock:read", "sales")]
        {
            let metadata = format!("team={team}");
            sandbox
                .run(["client", "add", name, "--scope", scope, "--metadata", &metadata])
                .succeeds();
        }
        let issue = |arguments: &[&str]| id_of(&sandbox.issue(arguments));
        let forever = issue(&["App 1", "--label", "production"]);
        let soon = issue(&["App 1", "--label", "test", "--expires", "3d"]);
        let later = issue(&["App 2", "--label", "Production 2", "--expires", "9d"]);
        for (arguments, ids) in [
            (&["--no-expiry"][..], &[&forever][..]),
            (&["--label", "production"], &[&forever]),
            (&["--search", "prod"], &[&forever, &later]),
            (&["--search", &soon[..10]], &[&soon]),
            (&["--scope", "orders:read"], &[&forever, &soon]),
            (&["--metadata", "team=sales"], &[&later]),
            (&["--sort", "expires", "--limit", "2"], &[&soon, &later]),
            (&["--sort", "expires", "--descending", "--limit", "1"], &[&forever]),
            (&["App 2", "--state", "active"], &[&later]),
            (&["--state", "active", "--label", "x"], &[]),
        ] {
            let command = [&["key", "list", "--json"], arguments].concat();
            let listed = sandbox.run(command).succeeds().json();
            let listed =
                listed.as_array().unwrap().iter().map(|key| key["key_id"].as_str().unwrap());
            let mut listed: Vec<_> = listed.collect();
            let mut ids: Vec<_> = ids.iter().map(|id| id.as_str()).collect();
            if !arguments.contains(&"--sort") {
                listed.sort_unstable();
                ids.sort_unstable();
            }
            assert_eq!(listed, ids, "{arguments:?}");
        }
        for (arguments, names) in [
            (&["--search", "app"][..], &["App 1", "App 2"][..]),
            (&["--scope", "stock:read"], &["App 2"]),
            (&["--metadata", "team=billing", "--enabled"], &["App 1"]),
            (&["--disabled"], &[]),
        ] {
            let command = [&["client", "list", "--json"], arguments].concat();
            let listed = sandbox.run(command).succeeds().json();
            let listed =
                listed.as_array().unwrap().iter().map(|client| client["name"].as_str().unwrap());
            assert_eq!(listed.collect::<Vec<_>>(), names, "{arguments:?}");
        }
        sandbox.run(["key", "list", "App 3", "--no-expiry"]).fails(1, "the nearest is `App 1`");
    }
}

#[test]
fn limited_list_says_if_there_are_more_keys() {
    for sandbox in stores() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        for label in ["a", "b", "c"] {
            sandbox.issue(&["App 1", "--label", label]);
        }
        for (options, rows) in [(&[][..], 3), (&["App 1"], 3), (&["--label", "a"], 1)] {
            let list = |limit: &str, json: bool| {
                let options = [&["key", "list", "--limit", limit], options].concat();
                let json = if json { &["--json"][..] } else { &[] };
                sandbox.run([&options, json].concat()).succeeds()
            };
            let all = list("9", true).json();
            let all = all.as_array().unwrap();
            assert_eq!(all.len(), rows);
            for limit in ["2", "3", "4"] {
                let (text, json) = (list(limit, false), list(limit, true));
                let limit = limit.parse::<usize>().unwrap();
                let shown = limit.min(rows);
                assert_eq!(text.out.lines().count(), 1 + shown, "{options:?}");
                assert_eq!(json.json().as_array().unwrap()[..], all[..shown]);
                let note = "there are more keys: raise --limit";
                for result in [text, json] {
                    assert_eq!(result.err.contains(note), rows > limit, "{}", result.err);
                }
            }
        }
    }
}

#[test]
fn limited_list_continues_after_its_cursor() {
    for sandbox in stores() {
        for name in ["App 1", "App 2", "App 3"] {
            sandbox.run(["client", "add", name]).succeeds();
            sandbox.issue(&[name]);
        }
        for (list, options) in [("client", &[][..]), ("key", &[]), ("key", &["--descending"])] {
            let command = [&[list, "list", "--json"], options].concat();
            let all = sandbox.run(&command).succeeds().json();
            let mut pages = Vec::new();
            let mut after = Vec::new();
            loop {
                let page =
                    sandbox.run([&command[..], &["--limit", "2"], &after].concat()).succeeds();
                pages.extend(page.json().as_array().unwrap().clone());
                let Some((_, cursor)) = page.err.split_once("--after ") else { break };
                let cursor = cursor.split('"').next().unwrap().to_owned();
                after = vec!["--after", cursor.leak()];
            }
            assert_eq!(all.as_array().unwrap().len(), 3);
            assert_eq!(serde_json::Value::from(pages), all, "{command:?}");
            sandbox.run([list, "list", "--after", "x"]).fails(1, "start again from the first page");
        }
    }
}

#[test]
fn help_of_the_list_names_every_state() {
    let help = Sandbox::empty().run(["key", "list", "--help"]).succeeds().out;
    for state in ["active", "replaced", "disabled", "not_yet_valid", "expired", "revoked"] {
        assert!(help.contains(state), "{state}: {help}");
    }
}

#[test]
fn short_names_of_commands_work() {
    let sandbox = Sandbox::with_file(FILE);
    for list in ["key", "client"] {
        let [long, short] = ["list", "ls"].map(|name| sandbox.run([list, name]).succeeds().out);
        assert_eq!(long, short);
    }
    sandbox.run(["client", "rm", "--yes", "Größe 日本"]).succeeds();
    assert!(!sandbox.file().contains("Größe"));
}

#[test]
fn json_of_a_key_has_no_key_and_no_digest() {
    let sandbox = Sandbox::with_file(FILE);
    let expected = serde_json::json!({
        "key_id": "2c26b46b68ffc68f",
        "client": "App 1",
        "label": "production",
        "state": "active",
        "created": "2020-01-01T00:00:00Z",
        "expires": "2098-12-31T00:00:00Z",
        "revoked": null,
        "replaced_by": null,
        "last_used": "unknown",
        "beyond_policy": false,
        "networks": [],
        "not_before": null,
        "scopes": [],
    });
    assert_eq!(sandbox.keys()[0], expected);
}

#[test]
fn empty_list_is_a_note_or_an_empty_array() {
    let sandbox = Sandbox::new();
    for (list, way_out) in [("key", "keygate key issue"), ("client", "keygate client add")] {
        let result = sandbox.run([list, "list"]).succeeds();
        assert_eq!(result.out, "");
        assert!(result.err.contains(way_out), "{}", result.err);
        let result = sandbox.run([list, "list", "--json"]).succeeds();
        assert_eq!((result.out.as_str(), result.err.as_str()), ("[]\n", ""));
    }
}

#[test]
fn closed_pipe_is_not_an_error_but_a_full_disk_is() {
    let sandbox = Sandbox::with_file(FILE);
    for command in [["key", "list"], ["client", "list"], ["completions", "bash"]] {
        let result = sandbox.run_on_closed_pipe(command).succeeds();
        assert_eq!(result.err, "");
        sandbox.run_on_full_disk(command).fails(3, "No space left on device");
    }
    assert_eq!(sandbox.run_on_closed_pipe(["--help"]).succeeds().err, "");
}
