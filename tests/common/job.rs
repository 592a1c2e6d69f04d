//! Jobs for separate processes of this test program.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::this_program;

const JOB: &str = "KEYGATE_TEST_JOB";
const FILE: &str = "KEYGATE_TEST_FILE";

/// Precedes each line of a job, since the test harness prints lines, too.
const PREFIX: &str = "said: ";

/// The job of this process, and its file; `None` if the process runs all tests.
pub(crate) fn given() -> Option<(String, PathBuf)> {
    let job = std::env::var(JOB).ok()?;
    Some((job, PathBuf::from(std::env::var_os(FILE).expect("a job has a file"))))
}

/// A command that runs the test `work` of this module with a job on a file.
pub(crate) fn command(module: &str, job: &str, path: &Path) -> Command {
    let mut command = this_program::command(module, "work");
    command.arg("--test-threads=1");
    command.env(JOB, job).env(FILE, path).env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// The complete lines that a job printed.
pub(crate) fn said(output: &[u8]) -> Vec<String> {
    let output = String::from_utf8_lossy(output);
    let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines().filter_map(|line| line.split_once(PREFIX));
    lines.map(|(_, said)| said.to_owned()).collect()
}

/// Prints a line for the process that started the job.
pub(crate) fn say(text: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{PREFIX}{text}").and_then(|()| output.flush()).expect("the output is read");
}
