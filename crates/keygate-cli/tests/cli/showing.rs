//! `client show` and `key show`.

use keygate::manage::{ClientInfo, KeyInfo};

use crate::tool::{Sandbox, id_of};

const FILE: &str = "\
                    clients:
  App 1:
    scopes: [orders:read, stock:*]
    quota: 100/minute
    metadata: {team: billing}
    keys:
      - digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
        label: production
        created: 2020-01-01T00:00:00Z
        expires: 2098-12-31T00:00:00Z
        replaced_by: 3c26b46b68ffc68f
      - digest: sha256:3c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
  User 1: {enabled: false}
";

#[test]
fn client_is_shown_with_its_keys() {
    let sandbox = Sandbox::with_file(FILE);
    let result = sandbox.run(["client", "show", "App 1"]).succeeds();
    let lines: Vec<_> = result.out.lines().collect();
    let facts = [
        "CLIENT    App 1",
        "STATE     enabled",
        "SCOPES    orders:read stock:*",
        "QUOTA     100/minute",
        "METADATA  team=billing",
        "KEYS      2",
        "",
    ];
    assert_eq!(lines[..7], facts);
    assert!(lines[7].starts_with("ID ") && lines[7].ends_with(" EXPIRES"), "{}", lines[7]);
    let keys: Vec<_> = lines[8..].iter().map(|line| &line[..16]).collect();
    assert_eq!(keys, ["3c26b46b68ffc68f", "2c26b46b68ffc68f"]);

    let json = sandbox.run(["client", "show", "App 1", "--json"]).succeeds().json();
    assert_eq!((&json["name"], &json["keys"]), (&"App 1".into(), &2.into()));
    assert_eq!(json["key_list"].as_array().unwrap()[..], sandbox.keys()[..]);
    let result = sandbox.run(["client", "show", "User 1"]).succeeds();
    let expected = "CLIENT    User 1\nSTATE     disabled\nSCOPES    none\nQUOTA     none\n\
                    METADATA  none\nKEYS      0\n";
    assert_eq!(result.out, expected);
    sandbox.run(["client", "show", "App 2"]).fails(1, "the nearest is `App 1`");
}

/// A new field of a client must be shown, too.
#[test]
fn every_field_of_a_client_is_shown() {
    let more = "    title: Shop\n    networks: [10.0.0.0/8]\n    quota: ";
    let sandbox = Sandbox::with_file(&FILE.replacen("    quota: ", more, 1));
    let json = sandbox.run(["client", "show", "App 1", "--json"]).succeeds().json();
    let shown = sandbox.run(["client", "show", "App 1"]).succeeds().out;
    for field in serde_json::json!(ClientInfo::new("App 1")).as_object().unwrap().keys() {
        assert!(!json[field].is_null(), "{field}: {json}");
        let name = match &**field {
            "name" => "CLIENT".to_owned(),
            "enabled" => "STATE".to_owned(),
            field => field.to_uppercase(),
        };
        let is_shown = shown.lines().any(|line| line.split("  ").next() == Some(&*name));
        assert!(is_shown, "{name}: {shown}");
    }
}

#[test]
fn key_is_shown_with_its_times() {
    let sandbox = Sandbox::with_file(FILE);
    let result = sandbox.run(["key", "show", "2c26b46b68ffc68f"]).succeeds();
    let lines: Vec<_> = result.out.lines().collect();
    let first = [
        "ID           2c26b46b68ffc68f",
        "CLIENT       App 1",
        "LABEL        production",
        "STATE        replaced by 3c26b46b68ffc68f",
    ];
    assert_eq!(lines[..4], first);
    assert!(
        lines[4].starts_with("CREATED      2020-01-01T00:00:00Z (")
            && lines[4].ends_with(" years ago)")
    );
    assert!(lines[5].starts_with("EXPIRES      2098-12-31T00:00:00Z (in "), "{}", lines[5]);
    assert_eq!(lines[6..], ["REPLACED BY  3c26b46b68ffc68f"]);

    let mut json = sandbox.run(["key", "show", "2c26b46b68ffc68f", "--json"]).succeeds().json();
    // Changes are not recorded.
    assert_eq!(json.as_object_mut().unwrap().remove("events"), Some(serde_json::Value::Null));
    assert_eq!(Some(&json), sandbox.keys().iter().find(|key| key["label"] == "production"));
    let result = sandbox.run(["key", "show", "3c26b46b68ffc68f"]).succeeds();
    assert!(result.out.ends_with("CREATED  unknown\nEXPIRES  never\n"), "{}", result.out);
    sandbox.run(["key", "show", "2c26b46b68ffc680"]).fails(1, "the nearest is `2c26b46b68ffc68f`");
}

/// A new field of a key must be shown, too, or be listed here.
#[test]
fn every_field_of_a_key_is_shown() {
    // Shown if usage is recorded: see `keys_are_listed_and_shown_with_their_last_use`.
    const LEFT_OUT: &str = "last_used";
    let every_fact = "        label: production
        scopes: [orders:read]
        networks: [10.0.0.0/8]
        not_before: 2021-01-01T00:00:00Z
        revoked: 2022-01-01T00:00:00Z
";
    let file = FILE.replacen("        label: production\n", every_fact, 1);
    let (sandbox, id) = (Sandbox::with_file(&file), "2c26b46b68ffc68f");
    let json = sandbox.run(["key", "show", id, "--json"]).succeeds().json();
    let shown = sandbox.run(["key", "show", id]).succeeds().out;
    let mut shown: Vec<_> = shown.lines().map(|line| line.split("  ").next().unwrap()).collect();
    shown.sort_unstable();

    let fields = serde_json::json!(KeyInfo::new(id.parse().unwrap(), "App 1"));
    let fields = fields.as_object().unwrap().keys().filter(|field| *field != LEFT_OUT);
    let mut expected: Vec<_> = fields
        .inspect(|field| assert!(!json[*field].is_null(), "{field}: {json}"))
        .map(|field| field.trim_start_matches("key_").replace('_', " ").to_uppercase())
        .collect();
    expected.sort_unstable();
    assert_eq!(shown, expected);
}

#[test]
fn revoked_key_is_shown_with_its_time() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
    let result = sandbox.run(["key", "show", &id]).succeeds();
    assert!(result.out.contains("STATE    revoked\n"), "{}", result.out);
    assert!(result.out.contains("\nREVOKED  2"), "{}", result.out);
}
