//! Jobs of separate processes, which run this test program.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use keygate::manage::ManageError;
use keygate::{ApiKey, KeyId, NewKey, YamlStore};

use crate::job;
pub(crate) use crate::job::said;
use crate::job::say;

/// Does the job of this process. In the usual test run, there is none.
#[test]
fn work() {
    let Some((job, path)) = job::given() else { return };
    let (name, argument) = job.split_once(' ').unwrap_or((&job, ""));
    match name {
        "issue" => issue(&path, argument),
        "churn" => churn(&path),
        "add" => add(&path, argument),
        other => panic!("there is no job {other}"),
    }
}

/// A command that does a job on a file.
pub(crate) fn command(job: &str, path: &Path) -> Command {
    job::command(module_path!(), job, path)
}

/// Reports the result of a change in one line.
fn report<T>(result: Result<T, ManageError>) {
    match result {
        Ok(_) => say("done"),
        Err(ManageError::ReadOnly { why }) => say(&format!("read-only: {why}")),
        Err(error) => say(&format!("error: {error}")),
    }
}

fn add(path: &Path, name: &str) {
    report(
        YamlStore::open(path).map_err(ManageError::from).and_then(|store| store.add_client(name)),
    );
}

/// Issues this number of keys to `App 1`.
fn issue(path: &Path, count: &str) {
    let store = YamlStore::open(path).expect("the file loads");
    for _ in 0..count.parse().expect("a number") {
        let issued = store.issue("App 1", NewKey::from(&generated())).expect("a key is issued");
        say(&issued.key_id.to_string());
    }
}

/// Issues, rotates and revokes in a loop, and prints each change when it is done.
fn churn(path: &Path) {
    let store = YamlStore::open(path).expect("the file loads");
    let mut live: Vec<KeyId> = Vec::new();
    for turn in 0.. {
        let new = NewKey::from(&generated());
        match (turn % 4, live.pop()) {
            (1, Some(old)) => {
                let rotated = store.rotate(&old, new, Duration::from_secs(3600)).unwrap();
                say(&format!("rotated {old} {}", rotated.new.key_id));
                live.insert(0, rotated.new.key_id);
            }
            (3, Some(old)) => {
                store.revoke(&old).unwrap();
                say(&format!("revoked {old}"));
            }
            (_, back) => {
                live.extend(back);
                let issued = store.issue("App 1", new).unwrap();
                say(&format!("issued {}", issued.key_id));
                live.push(issued.key_id);
            }
        }
    }
}

pub(super) fn generated() -> ApiKey {
    ApiKey::generate("kg").expect("the system has random numbers")
}
