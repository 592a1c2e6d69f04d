//! A database in a temporary folder.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keygate::store::SqliteStore;
use keygate::{AuthError, Authenticator, ManageKeys as _, StoreError, WrongReason};
use tempfile::TempDir;

use crate::folder::shared_folder;
pub(crate) use crate::lettered::{digest, id, key, new};

/// A temporary folder that every user may enter.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(shared_folder())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.path().join("keys.db")
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("the folder can be read");
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A store on a new database with the client `App 1` and these keys.
pub(crate) async fn store(path: &Path, letters: &str) -> SqliteStore {
    let store = SqliteStore::migrate(path).await.unwrap();
    store.add_client("App 1".into()).await.unwrap();
    for letter in letters.chars() {
        store.issue("App 1", new(letter)).await.unwrap();
    }
    store
}

/// The outcome of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Admitted,
    Wrong(WrongReason),
    Outage(String),
}

pub(crate) const UNKNOWN: Response = Response::Wrong(WrongReason::Unknown);
pub(crate) const REVOKED: Response = Response::Wrong(WrongReason::Revoked);

/// Authenticates a request with this key.
pub(crate) async fn request(store: &SqliteStore, letter: char) -> Response {
    let auth = Authenticator::new(store.clone());
    match auth.authenticate_key(key(letter).as_bytes()).await {
        Ok(_) => Response::Admitted,
        Err(AuthError::WrongCredentials(wrong)) => Response::Wrong(wrong.reason()),
        Err(AuthError::Unavailable(error)) => Response::Outage(cause(&error)),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn cause(error: &StoreError) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Runs the `sqlite3` program, and returns its output: rows in lines, fields separated by `|`.
pub(crate) fn sqlite3(path: &Path, sql: &str) -> String {
    try_sqlite3(path, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

pub(crate) fn try_sqlite3(path: &Path, sql: &str) -> Result<String, String> {
    let mut command = Command::new("sqlite3");
    command.args(["-batch", "-bail", "-init", "/dev/null"]).arg(path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("there is `sqlite3`: `tests/run` installs it");
    let sql = format!(".timeout 5000\npragma foreign_keys = on;\n{sql}\n");
    // A program that ends early reports the reason itself.
    let _ = child.stdin.take().unwrap().write_all(sql.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() && output.stderr.is_empty() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}
