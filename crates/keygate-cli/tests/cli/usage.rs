use std::os::unix::ffi::OsStrExt as _;

use crate::tool::{Answer, Place};

const SECRET: &str = "kg_this-may-be-somebodys-key";

#[test]
fn store_comes_only_from_the_option_or_the_environment() {
    let place = Place::with_client("App 1");
    let list = ["client", "list"];
    let answer = place.command(list).env("KEYGATE_STORE", "other.yaml").output().unwrap();
    Answer::from(answer).fails(3, "other.yaml");
    let answer = place.command(list).env_remove("KEYGATE_STORE").output().unwrap();
    Answer::from(answer).fails(2, "give --store PATH or set KEYGATE_STORE");
    let mut command = place.command(["client", "--store", "keys.yaml", "list"]);
    let answer = command.env("KEYGATE_STORE", "other.yaml").output().unwrap();
    Answer::from(answer).succeeds();
    place.run(["client", "list", "--store", ""]).fails(2, "empty name");
}

#[test]
fn databases_are_recognised_and_their_passwords_never_shown() {
    let place = Place::new();
    let postgres = if cfg!(feature = "postgres") {
        (3, "")
    } else {
        (2, "this keygate was built without PostgreSQL")
    };
    for (url, (code, text)) in [
        ("postgres://me:hunter2@127.0.0.1:1/keys", postgres),
        ("PostgreSQL://me:hunter2@127.0.0.1:1", postgres),
        ("redis://:hunter2@db", (2, "a kind that is known")),
        ("me:hunter2@127.0.0.1/keys", (2, "a kind that is known")),
        ("host=127.0.0.1 user=me password=hunter2", (2, "a kind that is known")),
        ("jdbc:postgresql://h/keys?password=hunter2", (2, "a kind that is known")),
    ] {
        let answer = place.run(["key", "list", "--store", url]).fails(code, text);
        assert!(!answer.err.contains("hunter2"), "{}", answer.err);
        let answer = place.run(["import", url]).fails(code, text);
        assert!(!answer.err.contains("hunter2"), "{}", answer.err);
        for arguments in
            [&["key", "list"][..], &["--help"], &["key", "list", "--help"], &["key", "lst"]]
        {
            let output = place.command(arguments).env("KEYGATE_STORE", url).output().unwrap();
            let answer = Answer::from(output);
            assert!(
                !answer.err.contains("hunter2") && !answer.out.contains("hunter2"),
                "{answer:?}"
            );
        }
    }
    assert_eq!(place.other_files(), [""; 0]);
}

#[test]
fn keys_in_the_wrong_place_are_never_shown() {
    let place = Place::with_client("App 1");
    let id = "2c26b46b68ffc68f";
    let commands: [&[&str]; 14] = [
        &[SECRET],
        &["check", SECRET],
        &["check", "--key", SECRET],
        &["check", &format!("--{SECRET}")],
        &["key", SECRET],
        &["key", "revoke", "--yes", SECRET],
        &["key", "rotate", SECRET],
        &["key", "rotate", id, SECRET],
        &["key", "issue", SECRET],
        &["key", "issue", "App 1", SECRET],
        &["key", "issue", "App 1", "--prefix", SECRET],
        &["key", "issue", "App 1", "--expires", SECRET],
        &[&format!("--json={SECRET}"), "key", "list"],
        &["completions", SECRET],
    ];
    for command in commands {
        for json in [&[][..], &["--json"]] {
            let answer = place.run([command, json].concat());
            assert!([1, 2].contains(&answer.code), "{command:?}");
            assert_eq!(answer.out, "");
            assert!(!answer.err.contains("somebody"), "{}", answer.err);
            assert_eq!(answer.err.trim_end().lines().count(), 1, "{}", answer.err);
        }
    }
}

#[test]
fn wrong_usage_names_the_way_out() {
    let place = Place::new();
    for (arguments, way_out) in [(&[][..], "keygate --help"), (&["key"], "keygate key --help")] {
        let reason = format!("a command is missing: see `{way_out}`");
        place.run(arguments).fails(2, &reason);
        let output = place.command(arguments).env_remove("KEYGATE_STORE").output().unwrap();
        Answer::from(output).fails(2, &reason);
    }
    place.run(["key", "isue"]).fails(2, "the nearest is `issue`: see `keygate key --help`");
    place.run(["key", "issue"]).fails(2, "<CLIENT> is missing: see `keygate key issue --help`");
    place.run(["key", "issue", "x", "--labl", "y"]).fails(2, "the nearest is `--label`");
    place.run(["key", "issue", "x", "--label"]).fails(2, "--label <LABEL> has no value");
    place.run(["key", "issue", "-x"]).fails(2, "put `--` before a name");
    place.run(["key", "revoke", "1"]).fails(2, "16 hexadecimal digits");
    place.run(["completions", "dos"]).fails(2, "is one of bash");
    let rotate = ["key", "rotate", "2c26b46b68ffc68f", "--no-expiry", "--expires", "1d"];
    place.run(rotate).fails(2, "cannot be used with --expires");
    place.run(["key", "issue", "x", "--grace"]).fails(2, "unknown, not shown");
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    let place = Place::with_client("App 1");
    for (command, code) in [
        (&["key", "list", "App 2", "--json"][..], 1),
        (&["--json", "key", "isue"], 2),
        (&["--json", "key", "list", "--store", "none.yaml"], 3),
    ] {
        let answer = place.run(command);
        assert_eq!((answer.code, answer.out.as_str()), (code, ""));
        let error: serde_json::Value = serde_json::from_str(&answer.err).unwrap();
        assert_eq!(error["code"], code);
        assert!(!error["error"].as_str().unwrap().is_empty());
    }
}

#[test]
fn paths_that_are_not_utf_8_are_paths_and_stay_on_one_line() {
    let place = Place::new();
    let path = std::ffi::OsStr::from_bytes(b"k\xff\n\x1b[31m.yaml");
    let arguments = ["--store".as_ref(), path, "init".as_ref()];
    place.run(arguments).succeeds();
    let arguments = ["--store".as_ref(), path, "init".as_ref()];
    place.run(arguments).fails(1, "exists already");
}

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::empty();
    let commands = [
        "",
        "init",
        "migrate",
        "import",
        "export",
        "client add",
        "client enable",
        "client disable",
        "client remove",
        "client list",
        "key issue",
        "key list",
        "key revoke",
        "key rotate",
        "check",
        "hash",
        "lint",
        "completions",
    ];
    for command in commands {
        let answer = place.run(command.split_whitespace().chain(["--help"])).succeeds();
        let example = format!("  keygate {command}");
        assert!(answer.out.contains("Example") && answer.out.contains(&example), "{command}");
        assert_eq!(answer.err, "");
    }
}

#[test]
fn completions_know_the_commands_and_need_no_store() {
    let place = Place::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let mut command = place.command(["completions", shell]);
        let output = command.env_remove("KEYGATE_STORE").output().unwrap();
        let answer = Answer::from(output).succeeds();
        assert!(answer.out.contains("rotate"), "{shell}");
        assert_eq!(answer.err, "");
    }
}
