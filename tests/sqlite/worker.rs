//! Jobs of child processes, which run this test program.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use keygate::store::SqliteStore;
use keygate::{ApiKey, KeyId, ManageKeys as _, NewKey};

use crate::fixture::{Response, cause, request, sqlite3};
use crate::job;
pub(crate) use crate::job::said;
use crate::job::say;

/// The child process does its job; in the usual test run, this does nothing.
#[tokio::test]
async fn work() {
    let Some((job, path)) = job::given() else { return };
    let (name, argument) = job.split_once(' ').unwrap_or((&job, ""));
    match name {
        "start" => start(&path, argument).await,
        "issue" => issue(&path, argument).await,
        "churn" => churn(&path).await,
        "use" => make_use(&path, argument).await,
        "wander" => wander(&path, argument).await,
        other => panic!("there is no job {other}"),
    }
}

/// Returns the command of a job on a file.
pub(crate) fn command(job: &str, path: &Path) -> Command {
    job::command(module_path!(), job, path)
}

async fn start(path: &Path, client: &str) {
    let store = SqliteStore::migrate(path).await.unwrap();
    store.add_client(client.into()).await.unwrap();
    say("done");
}

/// Issues this many keys to `App 1`.
async fn issue(path: &Path, count: &str) {
    let store = SqliteStore::open(path).await.unwrap();
    for _ in 0..count.parse().expect("a number") {
        let issued = store.issue("App 1", generated()).await.expect("a key is issued");
        say(&issued.key_id.to_string());
    }
}

/// Issues, rotates and revokes in a loop, and prints each change when it is done.
async fn churn(path: &Path) {
    let store = SqliteStore::open(path).await.unwrap();
    let mut live: Vec<KeyId> = Vec::new();
    for round in 0.. {
        match (round % 4, live.pop()) {
            (1, Some(old)) => {
                let grace = Duration::from_secs(3600);
                let rotated = store.rotate(&old, generated(), grace).await.unwrap();
                say(&format!("rotated {old} {}", rotated.new.key_id));
                live.insert(0, rotated.new.key_id);
            }
            (3, Some(old)) => {
                store.revoke(&old).await.unwrap();
                say(&format!("revoked {old}"));
            }
            (_, back) => {
                live.extend(back);
                let issued = store.issue("App 1", generated()).await.unwrap();
                say(&format!("issued {}", issued.key_id));
                live.push(issued.key_id);
            }
        }
    }
}

/// Opens the database, looks up `A`, adds a client, and looks up `A` again: one line each, with the error if
/// the client was not added.
async fn make_use(path: &Path, client: &str) {
    let store = match SqliteStore::open(path).await {
        Ok(store) => store,
        Err(error) => return say(&format!("not opened: {error}")),
    };
    let report = |response: Response| say(&format!("{response:?}"));
    report(request(&store, 'A').await);
    match store.add_client(client.into()).await {
        Ok(_) => say("done"),
        Err(keygate::manage::ManageError::Unavailable(error)) => say(&cause(&error)),
        Err(error) => say(&error.to_string()),
    }
    report(request(&store, 'A').await);
}

/// Creates the database, and uses it from another folder.
async fn wander(path: &Path, client: &str) {
    let store = SqliteStore::migrate(path).await.unwrap();
    std::env::set_current_dir("/").unwrap();
    store.add_client(client.into()).await.unwrap();
    say(&format!("{:?}", request(&store, 'A').await));
}

pub(crate) fn generated() -> NewKey {
    NewKey::from(&ApiKey::generate("kg").expect("the system has random numbers"))
}

/// Runs SQLite's integrity check.
pub(crate) fn check_whole(path: &Path) {
    assert_eq!(sqlite3(path, "pragma integrity_check; pragma foreign_key_check;"), "ok");
}
