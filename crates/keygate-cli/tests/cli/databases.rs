//! Every command on every kind of store.

use std::fs;
#[cfg(feature = "sqlite")]
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

#[cfg(feature = "postgres")]
use crate::servers::Postgres;
use crate::tool::{Place, id_of};

const EXAMPLE: &str = include_str!("../../../../examples/keys.yml");

/// What a file can say, but for a key in clear.
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

fn databases() -> Vec<Place> {
    vec![
        #[cfg(feature = "sqlite")]
        Place::with_database("sqlite:keys.db"),
        #[cfg(feature = "postgres")]
        Place::with_database(&Postgres::shared().database().url()),
    ]
}

fn stores() -> Vec<Place> {
    let mut stores = databases();
    stores.push(Place::new());
    stores
}

#[test]
fn every_command_runs_on_every_kind_of_store() {
    for place in stores() {
        let add = ["client", "add", "App 1", "--scope", "orders:read", "--quota", "9/day"];
        place.run(add).succeeds();
        place.run(["client", "add", "App 1"]).fails(1, "there is a client `App 1` already");
        place.run(["client", "disable", "App 2"]).fails(1, "the nearest is `App 1`");
        let key = place.issue(&["App 1", "--label", "production", "--expires", "90d"]);
        let line = format!("{key}\n");
        let answer = place.run_with(line.as_bytes(), ["check"]).succeeds();
        assert!(answer.out.contains("production"), "{}", answer.out);

        let rotate = ["key", "rotate", &id_of(&key), "--grace", "1h", "--no-expiry", "--out", "k"];
        place.run(rotate).succeeds();
        let new = place.read("k");
        place.run_with(new.as_bytes(), ["check"]).succeeds();
        place.run(["client", "disable", "App 1"]).succeeds();
        let answer = place.run_with(line.as_bytes(), ["check"]);
        assert_eq!((answer.code, answer.out.contains("disabled")), (1, true));
        place.run(["client", "enable", "App 1"]).succeeds();
        place.run(["key", "revoke", "--yes", &id_of(new.trim())]).succeeds();
        let answer = place.run_with(new.as_bytes(), ["check"]);
        assert_eq!((answer.code, answer.out.contains("was revoked")), (1, true));

        let states = place.keys().into_iter().map(|key| key["state"].clone());
        let mut states = states.filter_map(|state| Some(state.as_str()?.to_owned()));
        assert!(states.by_ref().all(|state| ["replaced", "revoked"].contains(&&*state)));
        let clients = place.run(["client", "list", "--json"]).succeeds().json();
        let expected = json!([{ "name": "App 1", "enabled": true, "keys": 1,
            "scopes": ["orders:read"], "quota": "9/day", "metadata": {} }]);
        assert_eq!(clients, expected);
        let answer = place.run(["key", "list", "--expiring", "2h"]).succeeds();
        assert!(answer.out.contains(&id_of(&key)), "{}", answer.out);

        place.run(["client", "remove", "App 1", "--yes"]).fails(1, "disable it first");
        place.run(["client", "disable", "App 1"]).succeeds();
        place.run(["client", "remove", "App 1", "--yes"]).succeeds();
        assert_eq!(place.run(["key", "list", "--json"]).succeeds().out, "[]\n");
    }
}

#[test]
fn migrating_says_the_versions_of_the_tables() {
    let mut stores = Vec::new();
    #[cfg(feature = "sqlite")]
    stores.push(("sqlite:keys.db".to_owned(), 1));
    #[cfg(feature = "postgres")]
    stores.push((Postgres::shared().database().url(), 3));
    for (url, version) in stores {
        let place = Place::empty();
        let migrate = ["migrate", "--store", &url];
        let made = place.run(migrate).succeeds().err;
        assert!(
            made.starts_with("made the tables of ")
                && made.ends_with(&format!("at version {version}\n")),
            "{made}"
        );
        let kept = place.run(migrate).succeeds().err;
        let kept_as = format!("are at version {version}: nothing was due\n");
        assert!(kept.ends_with(&kept_as), "{kept}");
        let json = place.run([&migrate[..], &["--json"]].concat()).succeeds().json();
        assert_eq!((&json["before"], &json["version"]), (&json!(version), &json!(version)));
    }
}

/// Spoils the row of this key in a way that the database lets pass.
fn spoil(place: &Place, id: &str) {
    let sql = |schema: &str| format!("update {schema}keys set label = ' x ' where key_id = '{id}'");
    let file = place.path("keys.db");
    #[cfg(feature = "sqlite")]
    if file.exists() {
        let sqlite3 = Command::new("sqlite3").arg(&file).arg(sql("keygate_")).status();
        assert!(sqlite3.expect("there is `sqlite3`: `tests/run` installs it").success());
    }
    #[cfg(feature = "postgres")]
    if !file.exists() {
        crate::servers::query(place.store(), &sql("keygate.")).unwrap();
    }
}

#[test]
fn spoilt_row_is_told_and_stops_nothing() {
    for place in databases() {
        place.run(["client", "add", "App 1"]).succeeds();
        let [good, bad, old] = ["good", "bad", "old"].map(|label| {
            let key = place.issue(&["App 1", "--label", label]);
            (id_of(&key), key)
        });
        spoil(&place, &bad.0);
        let answer = place.run(["key", "list"]);
        assert_eq!(answer.code, 1, "{}", answer.err);
        assert!(answer.out.contains(&good.0) && answer.out.contains(&old.0), "{}", answer.out);
        let [warning, end] = answer.err.lines().collect::<Vec<_>>()[..] else {
            panic!("{}", answer.err)
        };
        let row = format!("warning: the row of the key {} cannot be used: its label", bad.0);
        assert!(warning.starts_with(&row), "{warning}");
        assert!(end.starts_with("keygate: 1 row is not in the list"), "{end}");
        assert_eq!(place.run(["key", "list", "--json"]).json().as_array().unwrap().len(), 2);

        // None of these looks for its key in a list.
        place.run_with(good.1.as_bytes(), ["check"]).succeeds();
        place.run(["key", "rotate", &old.0, "--grace", "0s", "--out", "k"]).succeeds();
        place.run(["key", "revoke", "--yes", &good.0]).succeeds();
        place.run(["client", "disable", "App 1"]).succeeds();
        place.run(["client", "list"]).succeeds();
        place.run(["key", "rotate", &bad.0, "--grace", "0s", "--out", "l"]).fails(3, "its label");
        place.run(["export"]).fails(3, "its label");
        let answer = place.run(["key", "revoke", "--yes", &bad.0]).succeeds();
        assert_eq!(answer.err, format!("revoked {} of App 1\n", bad.0));
        place.run(["client", "remove", "--yes", "App 1"]).succeeds();
    }
}

#[test]
fn commands_for_files_say_so() {
    for place in databases() {
        for command in [&["hash", "--yes"][..], &["lint"], &["init"]] {
            place.run(command).fails(2, "is for key files");
        }
        place.run(["init"]).fails(2, "keygate migrate");
        place.run(["migrate"]).succeeds();
    }
}

#[test]
fn everything_goes_to_a_database_and_comes_back() {
    for place in databases() {
        for text in [EXAMPLE, FULL] {
            fs::write(place.path("old.yml"), text).unwrap();
            place.run(["import", "old.yml"]).succeeds();
        }
        let answer = place.run(["import", "old.yml", "--json"]).succeeds().json();
        assert_eq!((&answer["clients"]["kept"], &answer["keys"]["kept"]), (&json!(3), &json!(2)));
        place.run(["export", "--out", "new.yml"]).succeeds();

        let other = Place::new();
        for text in [EXAMPLE, FULL] {
            fs::write(other.path("old.yml"), text).unwrap();
            other.run(["import", "old.yml"]).succeeds();
        }
        let lists = |place: &Place, store: &[&str]| -> Vec<Value> {
            let commands = [["client", "list", "--json"], ["key", "list", "--json"]];
            let answers = commands.map(|command| place.run([&command[..], store].concat()));
            answers.map(|answer| answer.succeeds().json()).to_vec()
        };
        assert_eq!(lists(&place, &[]), lists(&other, &[]));
        assert_eq!(lists(&place, &["--store", "new.yml"]), lists(&other, &[]));
        assert_eq!(other.run(["export"]).succeeds().out, place.read("new.yml"));
    }
}

#[test]
fn what_differs_is_refused() {
    for place in databases() {
        fs::write(place.path("old.yml"), EXAMPLE).unwrap();
        place.run(["import", "old.yml"]).succeeds();
        let id = place.keys()[0]["key_id"].as_str().unwrap().to_owned();
        place.run(["key", "revoke", "--yes", &id]).succeeds();
        place.run(["client", "disable", "User 2"]).succeeds();
        let before = place.run(["export"]).succeeds().out;
        let answer = place.run(["import", "old.yml", "--json"]);
        assert_eq!(answer.code, 1);
        let json = answer.json();
        assert_eq!(json["keys"]["refused"][0]["key_id"], id);
        assert_eq!(json["clients"]["refused"][0]["name"], "User 2");
        assert_eq!(place.run(["export"]).succeeds().out, before);
    }
}

#[test]
fn import_that_is_killed_adds_all_or_nothing() {
    const COUNT: usize = 5_000;
    let key = |number: usize| format!("  key-number-{number:08}: App {}\n", number % 100);
    let text = format!("api_keys:\n{}", (0..COUNT).map(key).collect::<String>());
    for place in databases() {
        fs::write(place.path("old.yml"), &text).unwrap();
        for wait in [0, 50, 100, 200, 400] {
            let mut command = place.command(["import", "old.yml"]);
            let mut tool = command.stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(wait));
            let _ = tool.kill();
            tool.wait().unwrap();
            let keys = place.keys().len();
            assert!([0, COUNT].contains(&keys), "{keys}");
        }
        place.run(["import", "old.yml"]).succeeds();
        assert_eq!(place.keys().len(), COUNT);
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_without_a_file_is_unavailable_and_stays_so() {
    let place = Place::new();
    let store = ["--store", "sqlite:none.db"];
    place.run([&["key", "list"][..], &store].concat()).fails(3, "keygate migrate");
    assert_eq!(place.other_files(), [""; 0]);
}

#[cfg(feature = "sqlite")]
#[test]
fn nothing_but_the_database_is_left_beside_it() {
    let place = Place::with_database("sqlite:keys.db");
    place.run(["client", "add", "App 1"]).succeeds();
    assert_eq!(place.other_files(), ["keys.db"]);
}
