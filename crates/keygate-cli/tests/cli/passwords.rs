//! Database passwords: where they are read from, and that they are never shown.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::servers::Postgres;
use crate::tool::{CommandResult, Sandbox};

const CANARY: &str = "c4n4ry";

const COMMANDS: [&[&str]; 9] = [
    &["migrate"],
    &["init"],
    &["client", "list"],
    &["client", "add", "App 1"],
    &["key", "list"],
    &["lint"],
    &["export"],
    &["import", "keys.yaml"],
    &["key", "revoke", "--yes", "2c26b46b68ffc68f"],
];

#[track_caller]
fn assert_hidden(result: &CommandResult) {
    let shown = format!("{}{}", result.out, result.err);
    assert!(!shown.contains(CANARY) && !shown.contains("n4ry"), "{shown}");
}

#[test]
fn password_is_never_shown() {
    let sandbox = Sandbox::new();
    let database = Postgres::shared().database();
    let (right, wrong) = (database.url(), database.url_as(Postgres::OWNER, "c4n4ry-wrong"));
    let port = Postgres::shared().port();
    let urls = [
        right,
        wrong,
        format!("postgres://me:{CANARY}@127.0.0.1:1/keys"),
        format!("postgres://me:{CANARY}@nowhere.invalid/keys"),
        format!("postgres://me:{CANARY}@127.0.0.1:port/keys"),
        format!("postgres://me:{CANARY}@127.0.0.1:99999/keys"),
        format!("postgres://me:{CANARY}@[::x]/keys"),
        format!("postgres://me:{CANARY}#@127.0.0.1/keys"),
        format!("postgres://me:{CANARY}/@127.0.0.1/keys"),
        format!("postgres://127.0.0.1:{port}/keys?password={CANARY}&user=me"),
        format!("postgres://me:{CANARY}@127.0.0.1:{port}/keys?what=x"),
        format!("postgres://me:{CANARY}@127.0.0.1:{port}/keys?sslmode=x"),
    ];
    for url in &urls {
        for command in COMMANDS {
            let result = sandbox.run([command, &["--store", url]].concat());
            assert_hidden(&result);
        }
        let result = sandbox.run(["import", url]);
        assert_hidden(&result);
        for command in [&["key", "list", "--json"][..], &["--help"], &["key", "lst"]] {
            let result = sandbox.command(command).env("KEYGATE_STORE", url).output().unwrap();
            assert_hidden(&result.into());
        }
    }
}

#[test]
fn unreachable_or_refusing_database_is_unavailable() {
    let sandbox = Sandbox::new();
    let wrong = Postgres::shared().url_as(Postgres::OWNER, "c4n4ry-wrong");
    for url in [&wrong, "postgres://me:x@127.0.0.1:1/keys"] {
        for command in [["key", "list"], ["client", "list"]] {
            let result = sandbox.run([&command[..], &["--store", url]].concat());
            assert_eq!((result.code, result.out.as_str()), (3, ""), "{}", result.err);
            assert!(result.err.starts_with("keygate: "), "{}", result.err);
        }
    }
    let empty = Postgres::shared().database();
    sandbox.run(["key", "list", "--store", &empty.url()]).fails(3, "keygate migrate");
}

#[test]
fn password_comes_from_pgpass_or_a_secret() {
    let database = Postgres::shared().database();
    let sandbox = Sandbox::with_database(&database.url());
    let port = Postgres::shared().port();
    let (user, password) = (Postgres::OWNER, Postgres::PASSWORD);
    let name = database.name();
    let without = format!("postgres://{user}@127.0.0.1:{port}/{name}");
    fs::write(sandbox.path(".pgpass"), format!("127.0.0.1:{port}:*:{user}:{password}\n")).unwrap();
    fs::set_permissions(sandbox.path(".pgpass"), Permissions::from_mode(0o600)).unwrap();
    let run = |variable: &str, value: &str| -> CommandResult {
        let mut command = sandbox.command(["client", "list", "--json", "--store", &without]);
        let path = sandbox.path(value);
        command.env("HOME", "/nonexistent").env(variable, path).output().unwrap().into()
    };
    run("PGPASSFILE", ".pgpass").succeeds();
    run("HOME", "").succeeds();
    assert_eq!(run("PGPASSFILE", "none").code, 3);

    fs::write(sandbox.path("secret"), format!("{}\n", database.url())).unwrap();
    let result = sandbox.run(["migrate", "--store-file", "secret"]).succeeds();
    assert_hidden(&result);
}

#[test]
fn history_names_actor_and_tool() {
    let database = Postgres::shared().database();
    let sandbox = Sandbox::with_database(&database.url());
    let mut command = sandbox.command(["client", "add", "App 1"]);
    CommandResult::from(command.env("USER", "alice").output().unwrap()).succeeds();
    let tool = format!("keygate {} (command line)", env!("CARGO_PKG_VERSION"));
    let events = database.psql("select actor, tool from keygate.events");
    assert!(events.contains(&format!("alice|{tool}")), "{events}");
}

#[test]
fn import_names_the_unreachable_database() {
    let here = Postgres::shared().database().url();
    let sandbox = Sandbox::with_database(&here);
    let gone = "postgres://me@127.0.0.1:1/keys";
    sandbox
        .run(["import", gone])
        .fails(3, "the store to import from: PostgreSQL cannot be reached");
    let into = ["import", here.as_str(), "--store", gone];
    sandbox.run(into).fails(3, "the store to import into: PostgreSQL cannot be reached");
}
