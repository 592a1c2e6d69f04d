//! This test program, run again as a process of its own that does one job.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use keygate::store::SqliteStore;
use keygate::{ApiKey, KeyId, ManageKeys as _, NewKey};

use crate::fixture::{Met, ask, cause, sqlite3};
use crate::job;
pub(crate) use crate::job::said;
use crate::job::say;

/// Does the job that the process was started for; with the other tests, there is none.
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

/// The command that does a job with a file.
pub(crate) fn command(job: &str, path: &Path) -> Command {
    job::command(module_path!(), job, path)
}

async fn start(path: &Path, client: &str) {
    let store = SqliteStore::migrate(path).await.unwrap();
    store.add_client(client.into()).await.unwrap();
    say("done");
}

/// Issues so many keys to `App 1`.
async fn issue(path: &Path, count: &str) {
    let store = SqliteStore::open(path).await.unwrap();
    for _ in 0..count.parse().expect("a number") {
        let issued = store.issue("App 1", generated()).await.expect("a key is issued");
        say(&issued.key_id.to_string());
    }
}

/// Issues, rotates and revokes, again and again, and says what was done as soon as it was.
async fn churn(path: &Path) {
    let store = SqliteStore::open(path).await.unwrap();
    let mut live: Vec<KeyId> = Vec::new();
    for turn in 0.. {
        match (turn % 4, live.pop()) {
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

/// Opens, asks for the key `A`, adds a client and asks again: one line each, of which the client's
/// says why it was not added.
async fn make_use(path: &Path, client: &str) {
    let store = match SqliteStore::open(path).await {
        Ok(store) => store,
        Err(error) => return say(&format!("not opened: {error}")),
    };
    let tell = |met: Met| say(&format!("{met:?}"));
    tell(ask(&store, 'A').await);
    match store.add_client(client.into()).await {
        Ok(_) => say("done"),
        Err(keygate::manage::ManageError::Unavailable(error)) => say(&cause(&error)),
        Err(error) => say(&error.to_string()),
    }
    tell(ask(&store, 'A').await);
}

/// Makes the database, and uses it from another folder.
async fn wander(path: &Path, client: &str) {
    let store = SqliteStore::migrate(path).await.unwrap();
    std::env::set_current_dir("/").unwrap();
    store.add_client(client.into()).await.unwrap();
    say(&format!("{:?}", ask(&store, 'A').await));
}

pub(crate) fn generated() -> NewKey {
    NewKey::from(&ApiKey::generate("kg").expect("the system has random numbers"))
}

/// Whether SQLite finds the whole file in order.
pub(crate) fn check_whole(path: &Path) {
    assert_eq!(sqlite3(path, "pragma integrity_check; pragma foreign_key_check;"), "ok");
}
