//! All commands on all kinds of stores.

use std::fs;
#[cfg(feature = "sqlite")]
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

#[cfg(feature = "postgres")]
use crate::servers::Postgres;
use crate::tool::{Sandbox, id_of};

const EXAMPLE: &str = include_str!("../../../../examples/keys.yml");

/// Every field of a key file, except plaintext keys.
const FULL: &str = "\
                    version: 1
clients:
  Shop 1:
    enabled: false
    scopes: [orders:read, stock:*]
    quota: {rate: 100/minute, burst: 20}
    metadata: {team: billing}
    keys:
      - digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
        label: 'yes'
        created: 2026-11-23T10:00:00.123456Z
        expires: 2027-01-31T00:00:00.000001Z
        replaced_by: fcde2b2edba56bf4
      - digest: sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
        revoked: 2026-11-23T11:00:00Z
  Shop 2:
    quota: [10/second, 1000/day]
  Shop 3:
    quota: unlimited
";

pub(crate) fn databases() -> Vec<Sandbox> {
    vec![
        #[cfg(feature = "sqlite")]
        Sandbox::with_database("sqlite:keys.db"),
        #[cfg(feature = "postgres")]
        Sandbox::with_database(&Postgres::shared().database().url()),
    ]
}

pub(crate) fn stores() -> Vec<Sandbox> {
    let mut stores = databases();
    stores.push(Sandbox::new());
    stores
}

#[test]
fn every_command_runs_on_every_kind_of_store() {
    for sandbox in stores() {
        let add = ["client", "add", "App 1", "--scope", "orders:read", "--quota", "9/day"];
        sandbox.run(add).succeeds();
        sandbox.run(["client", "add", "App 1"]).fails(1, "there is already a client `App 1`");
        sandbox.run(["client", "disable", "App 2"]).fails(1, "the nearest is `App 1`");
        let key = sandbox.issue(&["App 1", "--label", "production", "--expires", "90d"]);
        let line = format!("{key}\n");
        let result = sandbox.run_with(line.as_bytes(), ["check"]).succeeds();
        assert!(result.out.contains("production"), "{}", result.out);

        let rotate = ["key", "rotate", &id_of(&key), "--grace", "1h", "--no-expiry", "--out", "k"];
        sandbox.run(rotate).succeeds();
        let new = sandbox.read("k");
        sandbox.run_with(new.as_bytes(), ["check"]).succeeds();
        sandbox.run(["client", "disable", "App 1"]).succeeds();
        let result = sandbox.run_with(line.as_bytes(), ["check"]);
        assert_eq!((result.code, result.out.contains("disabled")), (1, true));
        sandbox.run(["client", "enable", "App 1"]).succeeds();
        sandbox.run(["key", "revoke", "--yes", &id_of(new.trim())]).succeeds();
        let result = sandbox.run_with(new.as_bytes(), ["check"]);
        assert_eq!((result.code, result.out.contains("was revoked")), (1, true));

        let states = sandbox.keys().into_iter().map(|key| key["state"].clone());
        let mut states = states.filter_map(|state| Some(state.as_str()?.to_owned()));
        assert!(states.by_ref().all(|state| ["replaced", "revoked"].contains(&&*state)));
        let clients = sandbox.run(["client", "list", "--json"]).succeeds().json();
        let expected = json!([{ "name": "App 1", "enabled": true, "keys": 1,
            "title": null, "scopes": ["orders:read"], "networks": [], "quota": "9/day",
            "metadata": {} }]);
        assert_eq!(clients, expected);
        let result = sandbox.run(["key", "list", "--expiring", "2h"]).succeeds();
        assert!(result.out.contains(&id_of(&key)), "{}", result.out);

        sandbox.run(["client", "remove", "App 1", "--yes"]).fails(1, "disable it first");
        sandbox.run(["client", "disable", "App 1"]).succeeds();
        sandbox.run(["client", "remove", "App 1", "--yes"]).succeeds();
        assert_eq!(sandbox.run(["key", "list", "--json"]).succeeds().out, "[]\n");
    }
}

#[test]
fn migrate_reports_the_versions_of_the_tables() {
    let stores = [
        #[cfg(feature = "sqlite")]
        "sqlite:keys.db".to_owned(),
        #[cfg(feature = "postgres")]
        Postgres::shared().database().url(),
    ];
    for url in stores {
        let sandbox = Sandbox::empty();
        let migrate = ["migrate", "--store", &url];
        let made = sandbox.run(migrate).succeeds().err;
        let (start, version) = made.trim_end().rsplit_once(", at version ").expect(&made);
        assert!(start.starts_with("created the tables of "), "{made}");
        let version: u32 = version.parse().unwrap();
        let kept = sandbox.run(migrate).succeeds().err;
        let kept_as = format!("are at version {version}: nothing to do\n");
        assert!(kept.ends_with(&kept_as), "{kept}");
        let json = sandbox.run([&migrate[..], &["--json"]].concat()).succeeds().json();
        assert_eq!((&json["before"], &json["version"]), (&json!(version), &json!(version)));
    }
}

/// Damages the row of this key in a way that the database accepts.
pub(crate) fn damage(sandbox: &Sandbox, id: &str) {
    set_label(sandbox, id, " x ");
}

/// Mends the row again.
pub(crate) fn mend(sandbox: &Sandbox, id: &str) {
    set_label(sandbox, id, "x");
}

fn set_label(sandbox: &Sandbox, id: &str, label: &str) {
    let sql =
        |schema: &str| format!("update {schema}keys set label = '{label}' where key_id = '{id}'");
    let file = sandbox.path("keys.db");
    #[cfg(feature = "sqlite")]
    if file.exists() {
        let sqlite3 = Command::new("sqlite3").arg(&file).arg(sql("keygate_")).status();
        assert!(sqlite3.expect("`sqlite3` is installed: `tests/run` does it").success());
    }
    #[cfg(feature = "postgres")]
    if !file.exists() {
        crate::servers::query(sandbox.store(), &sql("keygate.")).unwrap();
    }
}

#[test]
fn damaged_row_is_reported_and_other_keys_work() {
    for sandbox in databases() {
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let [good, bad, old] = ["good", "bad", "old"].map(|label| {
            let key = sandbox.issue(&["App 1", "--label", label]);
            (id_of(&key), key)
        });
        damage(&sandbox, &bad.0);
        let result = sandbox.run(["key", "list"]);
        assert_eq!(result.code, 1, "{}", result.err);
        assert!(result.out.contains(&good.0) && result.out.contains(&old.0), "{}", result.out);
        let [warning, end] = result.err.lines().collect::<Vec<_>>()[..] else {
            panic!("{}", result.err)
        };
        let row = format!("warning: the row of the key {} cannot be used: its label", bad.0);
        assert!(warning.starts_with(&row), "{warning}");
        assert!(end.starts_with("keygate: 1 row cannot be read and is not listed"), "{end}");
        assert_eq!(sandbox.run(["key", "list", "--json"]).json().as_array().unwrap().len(), 2);

        // None of these commands reads the damaged row.
        sandbox.run_with(good.1.as_bytes(), ["check"]).succeeds();
        sandbox.run(["key", "rotate", &old.0, "--grace", "0s", "--out", "k"]).succeeds();
        sandbox.run(["key", "revoke", "--yes", &good.0]).succeeds();
        sandbox.run(["client", "disable", "App 1"]).succeeds();
        sandbox.run(["client", "list"]).succeeds();
        sandbox.run(["key", "rotate", &bad.0, "--grace", "0s", "--out", "l"]).fails(3, "its label");
        sandbox.run(["export"]).fails(3, "its label");
        let result = sandbox.run(["key", "revoke", "--yes", &bad.0]).succeeds();
        assert_eq!(result.err, format!("revoked {} of App 1\n", bad.0));
        sandbox.run(["client", "remove", "--yes", "App 1"]).succeeds();
    }
}

#[test]
fn commands_for_files_refuse_databases() {
    for sandbox in databases() {
        for command in [&["hash", "--yes"][..], &["lint"], &["init"]] {
            sandbox.run(command).fails(2, "works on key files");
        }
        sandbox.run(["init"]).fails(2, "keygate migrate");
        sandbox.run(["migrate"]).succeeds();
    }
}

#[test]
fn export_of_an_imported_file_is_complete() {
    for sandbox in databases() {
        for text in [EXAMPLE, FULL] {
            fs::write(sandbox.path("old.yml"), text).unwrap();
            sandbox.run(["import", "old.yml"]).succeeds();
        }
        let result = sandbox.run(["import", "old.yml", "--json"]).succeeds().json();
        assert_eq!((&result["clients"]["kept"], &result["keys"]["kept"]), (&json!(3), &json!(2)));
        sandbox.run(["export", "--out", "new.yml"]).succeeds();

        let other = Sandbox::new();
        for text in [EXAMPLE, FULL] {
            fs::write(other.path("old.yml"), text).unwrap();
            other.run(["import", "old.yml"]).succeeds();
        }
        let lists = |sandbox: &Sandbox, store: &[&str]| -> Vec<Value> {
            let commands = [["client", "list", "--json"], ["key", "list", "--json"]];
            let results = commands.map(|command| sandbox.run([&command[..], store].concat()));
            results.map(|result| result.succeeds().json()).to_vec()
        };
        assert_eq!(lists(&sandbox, &[]), lists(&other, &[]));
        assert_eq!(lists(&sandbox, &["--store", "new.yml"]), lists(&other, &[]));
        assert_eq!(other.run(["export"]).succeeds().out, sandbox.read("new.yml"));
    }
}

#[test]
fn import_refuses_differences() {
    for sandbox in databases() {
        fs::write(sandbox.path("old.yml"), EXAMPLE).unwrap();
        sandbox.run(["import", "old.yml"]).succeeds();
        let id = sandbox.keys()[0]["key_id"].as_str().unwrap().to_owned();
        sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
        sandbox.run(["client", "disable", "User 2"]).succeeds();
        let before = sandbox.run(["export"]).succeeds().out;
        let result = sandbox.run(["import", "old.yml", "--json"]);
        assert_eq!(result.code, 1);
        let json = result.json();
        assert_eq!(json["keys"]["refused"][0]["key_id"], id);
        assert_eq!(json["clients"]["refused"][0]["name"], "User 2");
        assert_eq!(sandbox.run(["export"]).succeeds().out, before);
    }
}

#[test]
fn import_that_is_killed_adds_all_or_nothing() {
    const COUNT: usize = 5_000;
    let key = |number: usize| format!("  key-number-{number:08}: App {}\n", number % 100);
    let text = format!("api_keys:\n{}", (0..COUNT).map(key).collect::<String>());
    for sandbox in databases() {
        fs::write(sandbox.path("old.yml"), &text).unwrap();
        for wait in [0, 50, 100, 200, 400] {
            let mut command = sandbox.command(["import", "old.yml"]);
            let mut tool = command.stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(wait));
            let _ = tool.kill();
            tool.wait().unwrap();
            let keys = sandbox.keys().len();
            assert!([0, COUNT].contains(&keys), "{keys}");
        }
        sandbox.run(["import", "old.yml"]).succeeds();
        assert_eq!(sandbox.keys().len(), COUNT);
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn missing_sqlite_file_is_unavailable_and_not_created() {
    let sandbox = Sandbox::new();
    let store = ["--store", "sqlite:none.db"];
    sandbox.run([&["key", "list"][..], &store].concat()).fails(3, "keygate migrate");
    assert_eq!(sandbox.other_files(), [""; 0]);
}

#[cfg(feature = "sqlite")]
#[test]
fn database_leaves_no_other_files() {
    let sandbox = Sandbox::with_database("sqlite:keys.db");
    sandbox.run(["client", "add", "App 1"]).succeeds();
    assert_eq!(sandbox.other_files(), ["keys.db"]);
}
