//! The exit codes of all kinds of failures, as documented in the guide.

use std::fs;
use std::process::Command;

use crate::tool::{Sandbox, id_of};

const REFUSED: i32 = 1;
const USAGE: i32 = 2;
const UNAVAILABLE: i32 = 3;

#[test]
fn edit_refused_because_of_the_files_content_exits_1() {
    let cases = [
        ("{\"clients\": {\"App 1\": {}}}\n", &["client", "disable", "App 1"][..], "flow style"),
        (
            "api_keys:\n  08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: A # 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n",
            &["hash", "--yes"],
            "remove it there first",
        ),
        ("clients:\n  App 1:\n", &["client", "add", "App 1"], "already"),
        ("clients:\n  App 1:\n", &["client", "remove", "App 1", "--yes"], "disable it first"),
        ("clients:\n", &["client", "disable", "App 1"], "no clients"),
        ("clients:\n", &["init"], "already exists"),
    ];
    for (text, command, reason) in cases {
        let sandbox = Sandbox::with_file(text);
        sandbox.run(command.iter().copied()).fails(REFUSED, reason);
        assert_eq!(sandbox.file(), text);
    }
}

#[test]
fn file_that_cannot_be_read_exits_3() {
    let sandbox = Sandbox::with_client("App 1");
    fs::create_dir(sandbox.path("folder")).unwrap();
    // The pipe has no writer, so a blocking reader would hang.
    assert!(Command::new("mkfifo").arg(sandbox.path("pipe")).status().unwrap().success());
    for (store, reason) in [
        ("none.yaml", "cannot be read"),
        ("no/keys.yaml", "cannot be read"),
        ("folder", "not a regular file"),
        ("pipe", "not a regular file"),
        ("/dev/zero", "not a regular file"),
    ] {
        for command in [&["lint"][..], &["hash", "--yes"], &["key", "list"], &["export"]] {
            let command = ["--store", store].into_iter().chain(command.iter().copied());
            sandbox.run(command).fails(UNAVAILABLE, reason);
        }
        sandbox.run(["import", store]).fails(UNAVAILABLE, reason);
    }
    sandbox.run(["client", "list", "--store-file", "none"]).fails(UNAVAILABLE, "cannot be read");
    if cfg!(feature = "postgres") {
        let url = "postgres://me@127.0.0.1:1/keys?sslmode=verify-full&sslrootcert=/nowhere/ca.pem";
        for command in [&["key", "list"][..], &["migrate"], &["migrate", "--check"]] {
            let command = ["--store", url].into_iter().chain(command.iter().copied());
            sandbox.run(command).fails(UNAVAILABLE, "`sslrootcert` names cannot be read");
        }
    }
    let folder = fs::File::open(sandbox.path("folder")).unwrap();
    let output = sandbox.command(["check"]).stdin(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(UNAVAILABLE));
    sandbox
        .run(["--store", "sqlite:none.db", "key", "list"])
        .fails(if cfg!(feature = "sqlite") { UNAVAILABLE } else { USAGE }, "");
}

#[test]
fn file_that_cannot_be_written_or_locked_exits_3() {
    let sandbox = Sandbox::with_client("App 1");
    fs::hard_link(sandbox.path("keys.yaml"), sandbox.path("other.yaml")).unwrap();
    sandbox.run(["client", "disable", "App 1"]).fails(UNAVAILABLE, "hard link");

    let sandbox = Sandbox::with_file("clients:\n  App 1:\n");
    fs::create_dir(sandbox.path(".keys.yaml.lock")).unwrap();
    sandbox.run(["client", "disable", "App 1"]).fails(UNAVAILABLE, "the lock");

    let sandbox = Sandbox::with_client("App 1");
    sandbox.run_on_full_disk(["client", "list"]).fails(UNAVAILABLE, "No space left");
    sandbox.run_on_full_disk(["--help"]).fails(UNAVAILABLE, "No space left");
    sandbox.run_on_full_disk(["completions", "bash"]).fails(UNAVAILABLE, "No space left");
}

#[test]
fn file_that_does_not_load_exits_3_and_1_from_lint() {
    let sandbox = Sandbox::with_file("clients: [\n");
    sandbox.run(["client", "list"]).fails(UNAVAILABLE, "keys.yaml:1:");
    sandbox.run(["client", "add", "App 1"]).fails(UNAVAILABLE, "keys.yaml:1:");
    assert_eq!(sandbox.run(["lint"]).code, REFUSED);
}

#[test]
fn wrong_usage_exits_2() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    for (command, reason) in [
        (&["key", "revoke", &id][..], "give --yes"),
        (&["key", "rotate", &id, "--grace", "soon"], ""),
        (&["migrate"], "on databases"),
        (&["client", "add"], "is missing"),
        (&["lint", "--store", "mysql://db"], ""),
    ] {
        sandbox.run(command.iter().copied()).fails(USAGE, reason);
    }
}
