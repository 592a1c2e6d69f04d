//! This test program, run again as a process of its own that does one job.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use keygate::manage::ManageError;
use keygate::{ApiKey, KeyId, NewKey, YamlStore};

use crate::this_program;

const JOB: &str = "KEYGATE_TEST_JOB";
const FILE: &str = "KEYGATE_TEST_FILE";

/// Stands before what a job says, since the test harness says things of its own.
const SAID: &str = "said: ";

/// Does the job that the process was started for; with the other tests, there is none.
#[test]
fn work() {
    let Ok(job) = std::env::var(JOB) else { return };
    let path = PathBuf::from(std::env::var_os(FILE).expect("a job is about a file"));
    let (name, argument) = job.split_once(' ').unwrap_or((&job, ""));
    match name {
        "issue" => issue(&path, argument),
        "churn" => churn(&path),
        "add" => add(&path, argument),
        other => panic!("there is no job {other}"),
    }
}

/// The command that does a job with a file.
pub(crate) fn command(job: &str, path: &Path) -> Command {
    let mut command = this_program::command(module_path!(), "work");
    command.arg("--test-threads=1");
    command.env(JOB, job).env(FILE, path).env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// What a job has said, line by line; one that was cut off in the middle is none.
pub(crate) fn said(output: &[u8]) -> Vec<String> {
    let output = String::from_utf8_lossy(output);
    let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines().filter_map(|line| line.split_once(SAID));
    lines.map(|(_, said)| said.to_owned()).collect()
}

fn say(text: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{SAID}{text}").and_then(|()| output.flush()).expect("somebody listens");
}

/// Tells how a change ended, in one line.
fn tell<T>(result: Result<T, ManageError>) {
    match result {
        Ok(_) => say("done"),
        Err(ManageError::ReadOnly { why }) => say(&format!("read-only: {why}")),
        Err(error) => say(&format!("error: {error}")),
    }
}

fn add(path: &Path, name: &str) {
    tell(YamlStore::open(path).map_err(ManageError::from).and_then(|store| store.add_client(name)));
}

/// Issues so many keys to `App 1`.
fn issue(path: &Path, count: &str) {
    let store = YamlStore::open(path).expect("the file loads");
    for _ in 0..count.parse().expect("a number") {
        let issued = store.issue("App 1", NewKey::from(&generated())).expect("a key is issued");
        say(&issued.key_id.to_string());
    }
}

/// Issues, rotates and revokes, again and again, and says what was done as soon as it was.
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
