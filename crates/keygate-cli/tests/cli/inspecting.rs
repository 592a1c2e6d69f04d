//! `keygate migrate --check` on databases.

#[cfg(feature = "postgres")]
use crate::servers::{Postgres, query};
use crate::tool::{Answer, Place};

const CHECK: [&str; 2] = ["migrate", "--check"];

#[track_caller]
fn finds(place: &Place, code: i32, lines: &[&str]) -> Answer {
    let answer = place.run(CHECK);
    assert_eq!((answer.code, answer.err.as_str()), (code, ""), "{}", answer.out);
    let found = answer.out.lines().collect::<Vec<_>>();
    assert_eq!(found.len(), lines.len(), "{found:?}");
    for (line, text) in found.iter().zip(lines) {
        assert!(line.contains(text), "{text}: {found:?}");
    }
    answer
}

#[cfg(feature = "sqlite")]
fn sqlite(place: &Place, sql: &str) {
    let mut sqlite3 = std::process::Command::new("sqlite3");
    let status = sqlite3.arg(place.path("keys.db")).arg(sql).status();
    assert!(status.expect("there is `sqlite3`: `tests/run` installs it").success());
}

#[test]
fn key_file_has_no_tables_to_check() {
    Place::new().run(CHECK).fails(2, "a key file has no tables");
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_check_lists_what_is_wrong_and_changes_nothing() {
    let missing = Place::empty();
    let check = ["migrate", "--check", "--store", "sqlite:keys.db"];
    let answer = missing.run(check);
    assert_eq!((answer.code, answer.err.as_str()), (1, ""));
    assert!(answer.out.contains(": tables: there is no file"), "{}", answer.out);
    assert_eq!(missing.other_files(), [""; 0]);

    let place = Place::with_database("sqlite:keys.db");
    let clean = place.run(CHECK).succeeds();
    assert_eq!((&*clean.out, &*clean.err), ("", "nothing is wrong in sqlite:keys.db\n"));
    sqlite(
        &place,
        "create trigger keygate_mine before update on keygate_keys begin select raise(ignore); end; \
         create table other (a); create trigger theirs after insert on other begin select 1; end",
    );
    let warning =
        "sqlite:keys.db: warning: triggers: the trigger `keygate_mine` on `keygate_keys` may";
    finds(&place, 0, &[warning]);
    sqlite(&place, "drop trigger keygate_keys_updated");
    finds(&place, 1, &["warning: triggers: ", ": triggers-missing: "]);
    std::fs::write(place.path("keys.db"), "no database").unwrap();
    place.run(CHECK).fails(3, "keys.db");
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_check_lists_what_is_wrong_and_changes_nothing() {
    let server = Postgres::start();
    let database = server.database();
    let place = Place::empty();
    let check = ["migrate", "--check", "--store", &database.url()];
    let answer = place.run(check);
    assert_eq!((answer.code, answer.err.as_str()), (1, ""));
    let missing = "the PostgreSQL database: tables: the database has no tables of keygate";
    assert!(answer.out.starts_with(missing), "{}", answer.out);
    let schemas = "select count(*) from pg_namespace where nspname = 'keygate'";
    assert_eq!(query(&database.url(), schemas).unwrap(), "0");

    let place = Place::with_database(&database.url());
    // The servers of the tests do without.
    let fsync = "warning: fsync: fsync and full_page_writes off";
    finds(&place, 0, &[fsync]);
    database.psql(
        "create function audit() returns trigger language plpgsql as 'begin return old; end'; \
         create trigger audit before update on keygate.keys for each row execute function audit(); \
         create rule silent as on delete to keygate.clients do instead nothing",
    );
    database.psql(&format!("alter role {} set synchronous_commit = off", Postgres::OWNER));
    let triggers = "warning: triggers: the rule `silent` on `keygate.clients`, the trigger `audit` on `keygate.keys` may";
    let lost = "warning: synchronous-commit: `synchronous_commit` is off for the role keygate_owner, in this session:";
    finds(&place, 0, &[triggers, lost, fsync]);
    database.psql("alter table keygate.clients disable trigger updated");
    let answer = finds(&place, 1, &[triggers, ": triggers-missing: ", lost, fsync]);
    let json = place.run([&CHECK[..], &["--json"]].concat());
    assert_eq!(json.code, 1);
    let json = json.json();
    assert_eq!((&json[1]["kind"], &json[1]["name"]), (&"error".into(), &"triggers-missing".into()));
    assert!(answer.out.contains(json[1]["message"].as_str().unwrap()));
    database.psql("alter table keygate.clients enable trigger updated");
    database.psql("alter sequence keygate.events_seq_seq restart with 1");
    database.psql("insert into keygate.clients (name) values ('App 1')");
    database.psql("alter sequence keygate.events_seq_seq restart with 1");
    database.psql("alter table keygate.keys alter column client type text collate \"en-x-icu\"");
    let behind = ": sequence: the sequence of `keygate.events` is behind its rows";
    let collated = "warning: collation: `keygate.keys.client` sorted by the rules of a language";
    finds(&place, 1, &[triggers, lost, fsync, behind, collated]);
    let mended = place.run(["migrate"]).succeeds().err;
    assert!(mended.starts_with("set the sequence of the PostgreSQL database"), "{mended}");
    finds(&place, 0, &[triggers, lost, fsync, collated]);
    database.psql("create role mallory; alter table keygate.keys owner to mallory");
    finds(&place, 1, &[": owner: `keygate.keys` belongs to the role `mallory`"]);
    server.kill();
    place.run(CHECK).fails(3, "PostgreSQL cannot be reached");
}
