//! `keygate migrate --check` on databases.

#[cfg(feature = "postgres")]
use crate::servers::{Postgres, query};
use crate::tool::{CommandResult, Sandbox};

const CHECK: [&str; 2] = ["migrate", "--check"];

#[track_caller]
fn finds(sandbox: &Sandbox, code: i32, lines: &[&str]) -> CommandResult {
    let result = sandbox.run(CHECK);
    assert_eq!((result.code, result.err.as_str()), (code, ""), "{}", result.out);
    let found = result.out.lines().collect::<Vec<_>>();
    assert_eq!(found.len(), lines.len(), "{found:?}");
    for (line, text) in found.iter().zip(lines) {
        assert!(line.contains(text), "{text}: {found:?}");
    }
    result
}

#[cfg(feature = "sqlite")]
fn sqlite(sandbox: &Sandbox, sql: &str) {
    let mut sqlite3 = std::process::Command::new("sqlite3");
    let status = sqlite3.arg(sandbox.path("keys.db")).arg(sql).status();
    assert!(status.expect("`sqlite3` is installed: `tests/run` does it").success());
}

#[test]
fn key_file_has_no_tables_to_check() {
    Sandbox::new().run(CHECK).fails(2, "works on databases, but the store is a key file");
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_check_lists_problems_and_changes_nothing() {
    let missing = Sandbox::empty();
    let check = ["migrate", "--check", "--store", "sqlite:keys.db"];
    let result = missing.run(check);
    assert_eq!((result.code, result.err.as_str()), (1, ""));
    let expected = "keys.db does not exist: create it with `keygate migrate`";
    assert!(result.out.contains(expected), "{}", result.out);
    assert_eq!(missing.other_files(), [""; 0]);

    let sandbox = Sandbox::with_database("sqlite:keys.db");
    let clean = sandbox.run(CHECK).succeeds();
    assert_eq!((&*clean.out, &*clean.err), ("", "no problems in sqlite:keys.db\n"));
    sqlite(
        &sandbox,
        "create trigger keygate_mine before update on keygate_keys begin select raise(ignore); end; \
         create table other (a); create trigger theirs after insert on other begin select 1; end",
    );
    let warning =
        "sqlite:keys.db: warning: triggers: the trigger `keygate_mine` on `keygate_keys` may";
    finds(&sandbox, 0, &[warning]);
    sqlite(&sandbox, "drop trigger keygate_keys_updated");
    finds(&sandbox, 1, &["warning: triggers: ", ": triggers-missing: "]);
    std::fs::write(sandbox.path("keys.db"), "no database").unwrap();
    sandbox.run(CHECK).fails(3, "keys.db");
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_check_lists_problems_and_changes_nothing() {
    let server = Postgres::start();
    let database = server.database();
    let sandbox = Sandbox::empty();
    let check = ["migrate", "--check", "--store", &database.url()];
    let result = sandbox.run(check);
    assert_eq!((result.code, result.err.as_str()), (1, ""));
    let missing = "the PostgreSQL database: tables: the database has no tables of keygate";
    assert!(result.out.starts_with(missing), "{}", result.out);
    let schemas = "select count(*) from pg_namespace where nspname = 'keygate'";
    assert_eq!(query(&database.url(), schemas).unwrap(), "0");

    let sandbox = Sandbox::with_database(&database.url());
    // The test servers run without fsync.
    let fsync = "warning: fsync: fsync and full_page_writes off";
    finds(&sandbox, 0, &[fsync]);
    database.psql(
        "create function audit() returns trigger language plpgsql as 'begin return old; end'; \
         create trigger audit before update on keygate.keys for each row execute function audit(); \
         create rule silent as on delete to keygate.clients do instead nothing",
    );
    database.psql(&format!("alter role {} set synchronous_commit = off", Postgres::OWNER));
    let triggers = "warning: triggers: the rule `silent` on `keygate.clients`, the trigger `audit` on `keygate.keys` may";
    let lost = "warning: synchronous-commit: `synchronous_commit` is off for the role keygate_owner, in this session:";
    finds(&sandbox, 0, &[triggers, lost, fsync]);
    database.psql("alter table keygate.clients disable trigger updated");
    let result = finds(&sandbox, 1, &[triggers, ": triggers-missing: ", lost, fsync]);
    let json = sandbox.run([&CHECK[..], &["--json"]].concat());
    assert_eq!(json.code, 1);
    let json = json.json();
    assert_eq!((&json[1]["kind"], &json[1]["name"]), (&"error".into(), &"triggers-missing".into()));
    assert!(result.out.contains(json[1]["message"].as_str().unwrap()));
    database.psql("alter table keygate.clients enable trigger updated");
    database.psql("alter sequence keygate.events_seq_seq restart with 1");
    database.psql("insert into keygate.clients (name) values ('App 1')");
    database.psql("alter sequence keygate.events_seq_seq restart with 1");
    database.psql("alter table keygate.keys alter column client type text collate \"en-x-icu\"");
    let behind = ": sequence: the sequence of `keygate.events` is behind its rows";
    let collated = "warning: collation: `keygate.keys.client` sorted by the rules of a language";
    finds(&sandbox, 1, &[triggers, lost, fsync, collated, behind]);
    let repaired = sandbox.run(["migrate"]).succeeds().err;
    assert!(repaired.starts_with("advanced the sequence of the PostgreSQL database"), "{repaired}");
    finds(&sandbox, 0, &[triggers, lost, fsync, collated]);
    database.psql("create role mallory; alter table keygate.keys owner to mallory");
    finds(&sandbox, 1, &[": owner: `keygate.keys` belongs to the role `mallory`"]);
    server.kill();
    sandbox.run(CHECK).fails(3, "PostgreSQL cannot be reached");
}
