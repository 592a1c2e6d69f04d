use std::os::unix::ffi::OsStrExt as _;

use crate::tool::{CommandResult, Sandbox};

const SECRET: &str = "kg_this-may-be-somebodys-key";

#[test]
fn store_comes_only_from_the_option_or_the_environment() {
    let sandbox = Sandbox::with_client("App 1");
    let list = ["client", "list"];
    let result = sandbox.command(list).env("KEYGATE_STORE", "other.yaml").output().unwrap();
    CommandResult::from(result).fails(3, "other.yaml");
    let result = sandbox.command(list).env_remove("KEYGATE_STORE").output().unwrap();
    CommandResult::from(result).fails(2, "use --store PATH or set KEYGATE_STORE");
    let mut command = sandbox.command(["client", "--store", "keys.yaml", "list"]);
    let result = command.env("KEYGATE_STORE", "other.yaml").output().unwrap();
    CommandResult::from(result).succeeds();
    sandbox.run(["client", "list", "--store", ""]).fails(2, "is empty");
}

#[test]
fn databases_are_recognized_and_their_passwords_never_shown() {
    let sandbox = Sandbox::new();
    let postgres = if cfg!(feature = "postgres") {
        (3, "")
    } else {
        (2, "this keygate was built without PostgreSQL")
    };
    for (url, (code, text)) in [
        ("postgres://me:hunter2@127.0.0.1:1/keys", postgres),
        ("PostgreSQL://me:hunter2@127.0.0.1:1", postgres),
        ("redis://:hunter2@db", (2, "a known kind of URL")),
        ("me:hunter2@127.0.0.1/keys", (2, "a known kind of URL")),
        ("host=127.0.0.1 user=me password=hunter2", (2, "a known kind of URL")),
        ("jdbc:postgresql://h/keys?password=hunter2", (2, "a known kind of URL")),
    ] {
        let result = sandbox.run(["key", "list", "--store", url]).fails(code, text);
        assert!(!result.err.contains("hunter2"), "{}", result.err);
        let result = sandbox.run(["import", url]).fails(code, text);
        assert!(!result.err.contains("hunter2"), "{}", result.err);
        for arguments in
            [&["key", "list"][..], &["--help"], &["key", "list", "--help"], &["key", "lst"]]
        {
            let output = sandbox.command(arguments).env("KEYGATE_STORE", url).output().unwrap();
            let result = CommandResult::from(output);
            assert!(
                !result.err.contains("hunter2") && !result.out.contains("hunter2"),
                "{result:?}"
            );
        }
    }
    assert_eq!(sandbox.other_files(), [""; 0]);
}

#[test]
fn keys_in_the_wrong_place_are_never_shown() {
    let sandbox = Sandbox::with_client("App 1");
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
            let result = sandbox.run([command, json].concat());
            assert!([1, 2].contains(&result.code), "{command:?}");
            assert_eq!(result.out, "");
            assert!(!result.err.contains("somebody"), "{}", result.err);
            assert_eq!(result.err.trim_end().lines().count(), 1, "{}", result.err);
        }
    }
}

#[test]
fn wrong_usage_is_explained() {
    let sandbox = Sandbox::new();
    for (arguments, way_out) in [(&[][..], "keygate --help"), (&["key"], "keygate key --help")] {
        let reason = format!("a command is missing: see `{way_out}`");
        sandbox.run(arguments).fails(2, &reason);
        let output = sandbox.command(arguments).env_remove("KEYGATE_STORE").output().unwrap();
        CommandResult::from(output).fails(2, &reason);
    }
    sandbox.run(["key", "isue"]).fails(2, "the nearest is `issue`: see `keygate key --help`");
    sandbox.run(["key", "issue"]).fails(2, "<CLIENT> is missing: see `keygate key issue --help`");
    sandbox.run(["key", "issue", "x", "--labl", "y"]).fails(2, "the nearest is `--label`");
    sandbox.run(["key", "issue", "x", "--label"]).fails(2, "--label <LABEL> has no value");
    sandbox.run(["key", "issue", "-x"]).fails(2, "put `--` before a name");
    sandbox.run(["key", "rotate", "1"]).fails(2, "16 hexadecimal digits");
    sandbox.run(["completions", "dos"]).fails(2, "must be one of bash");
    sandbox.run(["key", "list", "--state", "gone"]).fails(2, "the state must be one of active, ");
    for list in [&["list"][..], &["ls"], &["list", "keys"], &["list", "--expiring", "14d"]] {
        let reason = "specify what to list: `keygate client list` or `keygate key list`";
        sandbox.run(list).fails(2, reason);
    }
    let rotate = ["key", "rotate", "2c26b46b68ffc68f", "--no-expiry", "--expires", "1d"];
    sandbox.run(rotate).fails(2, "cannot be used with --expires");
    sandbox.run(["key", "issue", "x", "--grace"]).fails(2, "unexpected argument");
}

#[test]
fn errors_are_json_with_the_json_option() {
    let sandbox = Sandbox::with_client("App 1");
    for (command, code) in [
        (&["key", "list", "App 2", "--json"][..], 1),
        (&["--json", "key", "isue"], 2),
        (&["--json", "key", "list", "--store", "none.yaml"], 3),
    ] {
        let result = sandbox.run(command);
        assert_eq!((result.code, result.out.as_str()), (code, ""));
        let error: serde_json::Value = serde_json::from_str(&result.err).unwrap();
        assert_eq!(error["code"], code);
        assert!(!error["error"].as_str().unwrap().is_empty());
    }
}

#[test]
fn path_that_is_not_utf_8_is_shown_on_one_line() {
    let sandbox = Sandbox::new();
    let path = std::ffi::OsStr::from_bytes(b"k\xff\n\x1b[31m.yaml");
    let arguments = ["--store".as_ref(), path, "init".as_ref()];
    sandbox.run(arguments).succeeds();
    let arguments = ["--store".as_ref(), path, "init".as_ref()];
    sandbox.run(arguments).fails(1, "already exists");
}

#[test]
fn every_command_has_help_with_an_example() {
    let sandbox = Sandbox::empty();
    let commands = [
        "",
        "init",
        "migrate",
        "import",
        "export",
        "client add",
        "client set",
        "client enable",
        "client disable",
        "client remove",
        "client list",
        "client show",
        "key issue",
        "key list",
        "key show",
        "key set",
        "key revoke",
        "key rotate",
        "check",
        "hash",
        "lint",
        "audit",
        "policy show",
        "policy set",
        "usage",
        "completions",
    ];
    for command in commands {
        let result = sandbox.run(command.split_whitespace().chain(["--help"])).succeeds();
        let example = format!("  keygate {command}");
        assert!(result.out.contains("Example") && result.out.contains(&example), "{command}");
        assert_eq!(result.err, "");
    }
}

#[test]
fn completions_know_the_commands_and_need_no_store() {
    let sandbox = Sandbox::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let mut command = sandbox.command(["completions", shell]);
        let output = command.env_remove("KEYGATE_STORE").output().unwrap();
        let result = CommandResult::from(output).succeeds();
        assert!(result.out.contains("rotate"), "{shell}");
        assert_eq!(result.err, "");
    }
}
