//! A dry run is refused where the command is refused because the store cannot be written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::tool::{CommandResult, Sandbox, id_of};

const NOBODY: u32 = 65_534;

/// Runs commands and their dry runs, which must have the same exit code.
fn all_refused(code: i32, sandbox: &Sandbox, prepare: impl Fn(&mut Command)) {
    let id = sandbox.keys()[0]["key_id"].as_str().unwrap().to_owned();
    for command in [
        &["client", "set", "App 1", "--add-scope", "zz"][..],
        &["key", "issue", "App 1", "--out", "key"],
        &["key", "revoke", "--yes", &id],
        &["policy", "set", "--require-expiry"],
    ] {
        for more in [&["--dry-run"][..], &[]] {
            let mut tool = sandbox.command([command, more].concat());
            prepare(&mut tool);
            let result = CommandResult::from(tool.output().unwrap());
            assert_eq!(result.code, code, "{command:?} {more:?}: {}", result.err);
        }
    }
}

fn filled(sandbox: Sandbox) -> Sandbox {
    sandbox.run(["client", "add", "App 1"]).succeeds();
    sandbox.issue(&["App 1"]);
    sandbox
}

/// Gives files to a user without rights, for whom the returned function runs the tool if the test is root.
fn given_to_nobody(sandbox: &Sandbox, names: &[&str]) -> impl Fn(&mut Command) + use<> {
    let is_root = fs::metadata(sandbox.path("")).unwrap().uid() == 0;
    if is_root {
        for name in names {
            chown(sandbox.path(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    move |tool| {
        if is_root {
            tool.uid(NOBODY).gid(NOBODY);
        }
    }
}

fn set_mode(sandbox: &Sandbox, name: &str, mode: u32) {
    fs::set_permissions(sandbox.path(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn folder_that_cannot_be_written_is_refused() {
    let sandbox = filled(Sandbox::new());
    fs::remove_file(sandbox.path(".keys.yaml.lock")).unwrap();
    let as_nobody = given_to_nobody(&sandbox, &[".", "keys.yaml"]);
    set_mode(&sandbox, ".", 0o500);
    all_refused(3, &sandbox, as_nobody);
    set_mode(&sandbox, ".", 0o700);
}

#[test]
fn file_that_cannot_be_replaced_is_refused() {
    let sandbox = filled(Sandbox::new());
    fs::hard_link(sandbox.path("keys.yaml"), sandbox.path("other")).unwrap();
    let code = sandbox.run(["policy", "set", "--require-expiry"]).code;
    assert_ne!(code, 0);
    all_refused(code, &sandbox, |_| ());
}

#[cfg(feature = "sqlite")]
#[test]
fn database_file_that_cannot_be_written_is_refused() {
    let sandbox = filled(Sandbox::with_database("sqlite:keys.db"));
    set_mode(&sandbox, "keys.db", 0o444);
    let as_nobody = given_to_nobody(&sandbox, &["."]);
    all_refused(3, &sandbox, as_nobody);
}

#[cfg(feature = "postgres")]
#[test]
fn role_that_may_not_write_is_refused() {
    let database = crate::servers::Postgres::shared().database();
    let sandbox = filled(Sandbox::with_database(&database.url()));
    let role = format!("dry_reader_of_{}", database.name());
    database.psql(&format!(
        "create role {role} login password 'secret'; grant usage on schema keygate to {role}; \
         grant select on all tables in schema keygate to {role}"
    ));
    let url = database.url_as(&role, "secret");
    all_refused(3, &sandbox, |tool| {
        tool.env("KEYGATE_STORE", &url);
    });
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[test]
fn import_of_a_purged_key_is_refused() {
    for sandbox in crate::databases::databases() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let id = id_of(&sandbox.issue(&["App 1"]));
        sandbox.run(["export", "--out", "keys.yml"]).succeeds();
        sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
        sandbox.run(["key", "purge", "--revoked-before", "0d", "--yes"]).succeeds();
        import_is_refused(&sandbox);
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[test]
fn import_of_a_key_of_a_removed_client_is_refused() {
    for sandbox in crate::databases::databases() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        sandbox.issue(&["App 1"]);
        sandbox.run(["export", "--out", "keys.yml"]).succeeds();
        sandbox.run(["client", "disable", "App 1"]).succeeds();
        sandbox.run(["client", "remove", "--yes", "App 1"]).succeeds();
        import_is_refused(&sandbox);
    }
}

/// Imports an export with a key that was removed since.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn import_is_refused(sandbox: &Sandbox) {
    for more in [&["--dry-run"][..], &[]] {
        let result = sandbox.run([&["import", "keys.yml"], more].concat());
        assert_eq!(result.code, 1, "{more:?}: {}", result.err);
        let why = "it was removed from this store, and cannot be added again";
        assert!(result.err.contains(why), "{}", result.err);
    }
}
