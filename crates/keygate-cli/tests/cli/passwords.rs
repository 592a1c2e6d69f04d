//! Passwords of databases: where they come from, and that they go nowhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::servers::Postgres;
use crate::tool::{Answer, Place};

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
fn assert_hidden(answer: &Answer) {
    let shown = format!("{}{}", answer.out, answer.err);
    assert!(!shown.contains(CANARY) && !shown.contains("n4ry"), "{shown}");
}

#[test]
fn password_is_never_shown() {
    let place = Place::new();
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
            let answer = place.run([command, &["--store", url]].concat());
            assert_hidden(&answer);
        }
        let answer = place.run(["import", url]);
        assert_hidden(&answer);
        for command in [&["key", "list", "--json"][..], &["--help"], &["key", "lst"]] {
            let answer = place.command(command).env("KEYGATE_STORE", url).output().unwrap();
            assert_hidden(&answer.into());
        }
    }
}

#[test]
fn database_that_is_down_or_refuses_is_unavailable() {
    let place = Place::new();
    let wrong = Postgres::shared().url_as(Postgres::OWNER, "c4n4ry-wrong");
    for url in [&wrong, "postgres://me:x@127.0.0.1:1/keys"] {
        for command in [["key", "list"], ["client", "list"]] {
            let answer = place.run([&command[..], &["--store", url]].concat());
            assert_eq!((answer.code, answer.out.as_str()), (3, ""), "{}", answer.err);
            assert!(answer.err.starts_with("keygate: "), "{}", answer.err);
        }
    }
    let empty = Postgres::shared().database();
    place.run(["key", "list", "--store", &empty.url()]).fails(3, "keygate migrate");
}

#[test]
fn password_comes_from_the_usual_file_or_from_a_secret() {
    let database = Postgres::shared().database();
    let place = Place::with_database(&database.url());
    let port = Postgres::shared().port();
    let (user, password) = (Postgres::OWNER, Postgres::PASSWORD);
    let name = database.name();
    let without = format!("postgres://{user}@127.0.0.1:{port}/{name}");
    fs::write(place.path(".pgpass"), format!("127.0.0.1:{port}:*:{user}:{password}\n")).unwrap();
    fs::set_permissions(place.path(".pgpass"), Permissions::from_mode(0o600)).unwrap();
    let run = |variable: &str, value: &str| -> Answer {
        let mut command = place.command(["client", "list", "--json", "--store", &without]);
        let path = place.path(value);
        command.env("HOME", "/nonexistent").env(variable, path).output().unwrap().into()
    };
    run("PGPASSFILE", ".pgpass").succeeds();
    run("HOME", "").succeeds();
    assert_eq!(run("PGPASSFILE", "none").code, 3);

    fs::write(place.path("secret"), format!("{}\n", database.url())).unwrap();
    let answer = place.run(["migrate", "--store-file", "secret"]).succeeds();
    assert_hidden(&answer);
}

#[test]
fn history_says_who_and_through_what() {
    let database = Postgres::shared().database();
    let place = Place::with_database(&database.url());
    let mut command = place.command(["client", "add", "App 1"]);
    Answer::from(command.env("USER", "alice").output().unwrap()).succeeds();
    let tool = format!("keygate {} (command line)", env!("CARGO_PKG_VERSION"));
    let events = database.psql("select actor, tool from keygate.events");
    assert!(events.contains(&format!("alice|{tool}")), "{events}");
}

#[test]
fn import_says_which_of_two_databases_cannot_be_reached() {
    let here = Postgres::shared().database().url();
    let place = Place::with_database(&here);
    let gone = "postgres://me@127.0.0.1:1/keys";
    place.run(["import", gone]).fails(3, "the store to import from: PostgreSQL cannot be reached");
    let into = ["import", here.as_str(), "--store", gone];
    place.run(into).fails(3, "the store to import into: PostgreSQL cannot be reached");
}
