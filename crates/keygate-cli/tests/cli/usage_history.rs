//! `keygate usage`, and the last use of keys in lists.

use std::process::Command;
use std::time::{Duration, Instant};

use keygate::observe::{UsageHistory, UsageWriter};
use keygate::{Authenticator, KeyStore, Usage};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[cfg(feature = "postgres")]
use crate::servers::Postgres;
use crate::tool::{CommandResult, Sandbox, id_of};

/// A service that has recorded requests, with the keys of its clients.
pub(crate) struct Counted {
    pub(crate) sandbox: Sandbox,
    pub(crate) used: String,
    pub(crate) revoked: String,
    /// A key that was issued after the requests.
    pub(crate) later: String,
}

/// A key that was issued at an unknown time.
const OLD: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

/// Records requests with these keys.
fn count(store: impl KeyStore, history: &UsageHistory, keys: &[(&str, usize)]) {
    let usage = Usage::new();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let writer = UsageWriter::start(&usage, history).unwrap();
        let auth = Authenticator::new(store).add_observer(usage.clone());
        for (key, requests) in keys {
            for _ in 0..*requests {
                let _ = auth.authenticate_key(key.as_bytes()).await;
            }
        }
        writer.stop().await.unwrap();
    });
}

impl Counted {
    /// Creates a service with keys in a file, and with usage in `state/usage.db`.
    pub(crate) fn in_file() -> Self {
        let sandbox = Sandbox::with_file(&format!("api_keys:\n  {OLD}: App 1\n"));
        let mut counted = Self::in_store(sandbox);
        let state = counted.sandbox.path("state");
        std::fs::create_dir(&state).unwrap();
        let store = keygate::YamlStore::open(counted.sandbox.path("keys.yaml")).unwrap();
        let history = Runtime::new().unwrap().block_on(UsageHistory::in_folder(state)).unwrap();
        counted.serve(store, &history);
        counted.later = counted.sandbox.issue(&["App 1"]);
        counted
    }

    #[cfg(feature = "postgres")]
    fn in_postgres() -> Self {
        let sandbox = Sandbox::with_database(&Postgres::shared().database().url());
        sandbox.run(["client", "add", "App 1"]).succeeds();
        let counted = Self::in_store(sandbox);
        let connect = keygate::store::PostgresStore::connect(counted.sandbox.store());
        let runtime = Runtime::new().unwrap();
        let (store, history) = runtime.block_on(async {
            let store = connect.await.unwrap();
            let history = store.usage_history();
            (store, history)
        });
        counted.serve(store, &history);
        counted
    }

    fn in_store(sandbox: Sandbox) -> Self {
        sandbox.run(["client", "add", "App, 2"]).succeeds();
        let [used, revoked] = ["App 1", "App, 2"].map(|client| sandbox.issue(&[client]));
        sandbox.run(["key", "revoke", "--yes", &id_of(&revoked)]).succeeds();
        Self { sandbox, used, revoked, later: String::new() }
    }

    fn serve(&self, store: impl KeyStore, history: &UsageHistory) {
        count(store, history, &[(&self.used, 5), (&self.revoked, 2)]);
    }

    /// Changes the usage history. `NOW` is the current time.
    pub(crate) fn sql(&self, sql: &str) {
        let mut sqlite3 = Command::new("sqlite3");
        sqlite3.arg(self.sandbox.path("state/usage.db"));
        sqlite3.arg(sql.replace("NOW", "strftime('%s', 'now')"));
        assert!(sqlite3.status().expect("`sqlite3` is installed: `tests/run` does it").success());
    }

    /// Runs the tool with the usage history.
    pub(crate) fn run(&self, arguments: &[&str]) -> CommandResult {
        self.sandbox.run([arguments, &["--usage", "state"]].concat())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.sandbox.run([arguments, &["--json"]].concat()).succeeds().json()
    }
}

#[test]
fn usage_is_listed_by_client_key_and_time() {
    let counted = Counted::in_file();
    let usage = |arguments: &[&str]| {
        let command = [&["usage", "--usage", "state/usage.db"], arguments].concat();
        counted.sandbox.run(command).succeeds()
    };
    let result = usage(&[]);
    assert_eq!(
        result.out,
        "CLIENT  REQUESTS  REPLACED  REFUSED  REASONS\n\
         App 1   5         0         0\n\
         App, 2  0         0         2        revoked 2\n"
    );
    assert!(result.err.starts_with("usage recorded since 20"), "{}", result.err);
    let csv = "client,requests,replaced,refused,reasons\r\nApp 1,5,0,0,\r\n\"App, 2\",0,0,2,revoked 2\r\n";
    assert_eq!(usage(&["--csv"]).out, csv);
    let top = usage(&["--top", "1", "--since", "24h", "--json"]).json();
    let expected = json!([{ "client": "App 1", "requests": 5, "replaced": 0, "refused": {} }]);
    assert_eq!((&top["clients"], top["watched_since"].is_string()), (&expected, true));

    let keys = usage(&["--client", "App 1", "--json"]).json()["keys"].clone();
    assert_eq!(
        (&keys[0]["key_id"], &keys[0]["requests"]),
        (&json!(id_of(&counted.used)), &json!(5))
    );
    assert!(keys[0]["last_used"].as_str().unwrap().starts_with("20"), "{keys}");
    let times = usage(&["--by", "hour", "--json"]).json()["times"].clone();
    let sums: Vec<_> = times.as_array().unwrap().iter().map(|time| &time["requests"]).collect();
    assert!(sums.iter().map(|sum| sum.as_u64().unwrap()).sum::<u64>() == 5, "{times}");
    let start = times[0]["start"].as_str().unwrap();
    assert!(start.ends_with(":00:00Z"), "{start}");
}

#[test]
fn usage_of_an_unknown_client_is_refused() {
    let counted = Counted::in_file();
    let sandbox = &counted.sandbox;
    let usage =
        |client: &str, more: &[&str]| counted.run(&[&["usage", "--client", client], more].concat());
    for more in [&[][..], &["--csv"], &["--by", "day"], &["--since", "1h"]] {
        usage("App 3", more).fails(1, "there is no client of this name; the nearest is `App 1`");
    }
    let json = usage("App 3", &["--json"]);
    assert!(json.code == 1 && json.out.is_empty(), "{json:?}");
    usage(&id_of(&counted.used), &[]).fails(2, "is the ID of a key of `App 1`");

    // A client without requests, and without a store to look for it.
    sandbox.run(["client", "add", "App 3"]).succeeds();
    let none = usage("App 3", &[]).succeeds();
    assert!(none.err.starts_with("no requests in this period\n"), "{}", none.err);
    let heading = "client,key_id,last_used,requests,replaced,refused,reasons\r\n";
    assert_eq!(usage("App 3", &["--csv"]).succeeds().out, heading);
    let warning = "warning: whether there is a client of this name is not known: ";
    let alone = usage("App 3", &["--store", "none.yaml"]).succeeds();
    assert!(alone.err.starts_with(warning), "{}", alone.err);

    // A client that was removed.
    sandbox.run(["client", "disable", "App 1"]).succeeds();
    sandbox.run(["client", "remove", "App 1", "--yes"]).succeeds();
    assert!(usage("App 1", &[]).succeeds().out.contains(&id_of(&counted.used)));
    counted.sql("update keygate_usage_counts set start = start - 86400");
    let none = usage("App 1", &["--since", "1h"]).succeeds();
    assert!(none.err.starts_with("no requests in this period\n"), "{}", none.err);
}

#[test]
fn usage_over_time_shows_how_long_each_time_is() {
    let counted = Counted::in_file();
    counted.sql(
        "delete from keygate_usage_counts;
         insert into keygate_usage_counts values (86400, 1792540800, 'App 1', '1f0c2b7a9d3e4c58', 'admitted', 100);
         insert into keygate_usage_counts values (3600, 1795219200, 'App 1', '1f0c2b7a9d3e4c58', 'admitted', 7);",
    );
    let usage = |by: &str, format: &[&str]| {
        let command = [&["usage", "--usage", "state", "--by", by], format].concat();
        counted.sandbox.run(command).succeeds()
    };
    let days = usage("day", &["--csv"]).out;
    let lengths = |result: &str| -> Vec<String> {
        let column = |line: &str| line.split(',').nth(1).unwrap().to_owned();
        result.lines().map(column).collect()
    };
    assert_eq!(lengths(&days), ["length", "day", "day"]);
    assert_eq!(lengths(&usage("hour", &["--csv"]).out), ["length", "day", "hour"]);
    assert_eq!(lengths(&usage("minute", &["--csv"]).out), ["length", "day", "hour"]);
    let times = usage("hour", &["--json"]).json()["times"].clone();
    assert_eq!((&times[0]["length"], &times[1]["length"]), (&json!("day"), &json!("hour")));
    let table = usage("hour", &[]).out;
    let rows: Vec<_> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let [headings, day, hour]: [Vec<_>; 3] = rows.try_into().unwrap();
    assert_eq!(headings[..3], ["START", "LENGTH", "REQUESTS"]);
    assert_eq!(day[..3], ["2026-10-21T00:00:00Z", "day", "100"]);
    assert_eq!(hour[1..3], ["hour", "7"]);
}

#[test]
fn requests_with_a_replaced_key_are_shown() {
    let counted = Counted::in_file();
    let sandbox = &counted.sandbox;
    sandbox.run(["key", "rotate", &id_of(&counted.used), "--grace", "9d"]).succeeds();
    let open = UsageHistory::open(sandbox.path("state"));
    let history = Runtime::new().unwrap().block_on(open).unwrap();
    let store = keygate::YamlStore::open(sandbox.path("keys.yaml")).unwrap();
    count(store, &history, &[(&counted.used, 3)]);
    let usage = |arguments: &[&str]| {
        let command = ["usage", "--usage", "state", "--client", "App 1"];
        sandbox.run([&command, arguments].concat()).succeeds()
    };
    let keys = usage(&["--json"]).json()["keys"].clone();
    assert_eq!((&keys[0]["requests"], &keys[0]["replaced"]), (&json!(8), &json!(3)));
    assert!(usage(&["--csv"]).out.ends_with(",8,3,0,\r\n"));
    let table = usage(&[]).out;
    assert!(table.contains("  REQUESTS  REPLACED  REFUSED"), "{table}");
    assert!(table.contains("  8         3         0"), "{table}");
}

#[test]
fn keys_are_listed_and_shown_with_their_last_use() {
    let counted = Counted::in_file();
    // The service has stopped, so nobody watches the key that was issued after that.
    counted.sql("update keygate_usage_watch set since = NOW - 90, until = NOW - 60");
    let later = counted.run(&["key", "show", &id_of(&counted.later)]).succeeds();
    assert!(later.out.contains("LAST USED  unknown"), "{}", later.out);
    // Pretend that it still runs.
    counted.sql("update keygate_usage_watch set until = NOW + 60");
    let list = |arguments: &[&str]| {
        let mut command = counted.sandbox.command(arguments);
        let output = command.env("KEYGATE_USAGE", "state").output().unwrap();
        CommandResult::from(output).succeeds()
    };
    let result = list(&["key", "list", "App 1"]);
    assert!(
        result.out.starts_with("ID ") && result.out.contains("  LAST USED\n"),
        "{}",
        result.out
    );
    let last_use = |key: &str| {
        let id = id_of(key);
        let line = result.out.lines().find(|line| line.starts_with(&id)).unwrap().to_owned();
        line.rsplit("  ").next().unwrap().to_owned()
    };
    let used = last_use(&counted.used);
    assert!(used == "just now" || used.ends_with(" ago"), "{used}");
    assert_eq!(last_use(&counted.later), "never");
    assert_eq!(last_use(OLD), "unknown");
    assert!(result.err.starts_with("last use recorded since 20"), "{}", result.err);

    let shown = list(&["key", "show", &id_of(&counted.used)]);
    assert!(shown.out.contains("\nLAST USED  20"), "{}", shown.out);
    let shown = list(&["client", "show", "App 1", "--json"]).json();
    let keys = shown["key_list"].as_array().unwrap().iter();
    let used = keys.filter(|key| key["last_used"].as_str().unwrap().starts_with("20"));
    assert_eq!(used.count(), 1);
    assert!(!counted.sandbox.run(["key", "list"]).succeeds().out.contains("LAST USED"));

    let used = list(&["key", "list", "--used-within", "1h", "--json"]).json();
    assert_eq!(
        (used.as_array().unwrap().len(), &used[0]["key_id"]),
        (1, &json!(id_of(&counted.used)))
    );
    // Recording began just now.
    let mut command = counted.sandbox.command(["key", "list", "--unused-for", "90d"]);
    let output = command.env("KEYGATE_USAGE", "state").output().unwrap();
    CommandResult::from(output).fails(1, "which is less than --unused-for");
    counted.sandbox.run(["key", "list", "--unused-for", "90d"]).fails(2, "give --usage PATH");
    // Make the keys old enough.
    let deadline = Instant::now() + Duration::from_secs(20);
    let both = [json!(id_of(OLD)), json!(id_of(&counted.later))];
    loop {
        let mut command = counted.sandbox.command(["key", "list", "App 1", "--unused-for", "1s"]);
        let output = command.arg("--json").env("KEYGATE_USAGE", "state").output().unwrap();
        let unused: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let ids: Vec<_> =
            unused.as_array().into_iter().flatten().map(|key| &key["key_id"]).collect();
        if both.iter().all(|id| ids.contains(&id)) {
            break;
        }
        assert!(Instant::now() < deadline, "{output:?}");
    }

    // Pretend that recording began long ago. A key that was issued since then does not count as unused for that long.
    counted.sql("update keygate_usage_watch set since = 0");
    let unused = list(&["key", "list", "App 1", "--unused-for", "90d", "--json"]).json();
    let unused = unused.as_array().unwrap().iter().map(|key| &key["key_id"]);
    assert_eq!(unused.collect::<Vec<_>>(), [&both[0]]);
}

#[cfg(feature = "postgres")]
#[test]
fn usage_in_postgres_needs_no_option() {
    let counted = Counted::in_postgres();
    let usage = counted.json(&["usage"]);
    assert_eq!(
        (&usage["clients"][0]["client"], &usage["clients"][0]["requests"]),
        (&json!("App 1"), &json!(5))
    );
    let keys = counted.json(&["key", "list"]);
    let used =
        keys.as_array().unwrap().iter().find(|key| key["key_id"] == id_of(&counted.used)).unwrap();
    assert!(used["last_used"].as_str().unwrap().starts_with("20"), "{used}");
}

#[cfg(feature = "postgres")]
#[test]
fn usage_that_postgres_never_kept_is_explained() {
    let sandbox = Sandbox::with_database(&Postgres::shared().database().url());
    sandbox.run(["client", "add", "App 1"]).succeeds();
    sandbox.issue(&["App 1"]);
    let remedy = "was never recorded: start a `UsageWriter` in the service";
    for command in [&["usage"][..], &["audit"], &["key", "list", "--unused-for", "1d"]] {
        let result = sandbox.run(command);
        assert!(result.err.contains(remedy), "{command:?}: {}", result.err);
        assert!(!result.err.contains("--usage PATH"), "{command:?}: {}", result.err);
    }
    assert_eq!(sandbox.run(["key", "list"]).succeeds().err, "");
    crate::servers::query(sandbox.store(), "drop table keygate.usage_last").unwrap();
    for command in [&["audit"][..], &["key", "list", "--unused-for", "1d"]] {
        let result = sandbox.run(command);
        let warning = "warning: the last use of keys cannot be read: PostgreSQL: ";
        assert!(result.err.contains(warning), "{command:?}: {}", result.err);
        assert!(result.err.ends_with("is unknown: see the warning\n"), "{}", result.err);
    }
}

#[test]
fn missing_usage_history_is_explained() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.issue(&["App 1"]);
    sandbox.run(["usage"]).fails(2, "no usage history is given: use --usage PATH");
    sandbox.run(["usage", "--usage", ""]).fails(2, "the location of the usage history is empty");
    sandbox
        .run(["usage", "--usage", "redis://:hunter2@db"])
        .fails(2, "the usage history: the store is neither");
    sandbox.run(["usage", "--usage", "none.db"]).fails(3, "the usage history: ");
    sandbox.run(["key", "list", "--usage", "none.db"]).fails(3, "the usage history: ");
    // The environment of every command gives the usage history, but no service has created it yet.
    let in_environment = |arguments: &[&str]| -> CommandResult {
        sandbox.command(arguments).env("KEYGATE_USAGE", "none.db").output().unwrap().into()
    };
    for listed in [&["key", "list"][..], &["client", "show", "App 1"]] {
        let result = in_environment(listed).succeeds();
        assert!(result.out.contains("App 1"), "{}", result.out);
        let warning = "warning: the last use of keys is not shown: the usage history: ";
        assert!(result.err.starts_with(warning), "{}", result.err);
    }
    in_environment(&["key", "list", "--unused-for", "90d"]).fails(3, "the usage history: ");
    in_environment(&["audit"]).fails(3, "the usage history: ");
    sandbox.run(["usage", "--usage", "keys.yaml"]).fails(3, "the usage history: ");
    sandbox.run(["usage", "--top", "0"]).fails(2, "--top <COUNT>");
    sandbox.run(["usage", "--top", "3", "--by", "day"]).fails(2, "cannot be used with");
    sandbox.run(["usage", "--since", "0d"]).fails(2, "the duration is zero");
    let both = sandbox.run(["usage", "--csv", "--json"]);
    assert!(both.code == 2 && both.err.contains("cannot be used with"), "{}", both.err);
    assert_eq!(sandbox.other_files(), [""; 0]);
}
