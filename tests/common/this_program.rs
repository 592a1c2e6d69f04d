//! Starts this test program again, to run one test in a separate process.
#![allow(dead_code)]

use std::path::PathBuf;
use std::process::Command;

/// Arguments to run only the test at this path: `exactly(module_path!(), "name_of_the_test")`.
pub(crate) fn exactly(module: &str, test: &str) -> [String; 3] {
    let (_, module) = module.split_once("::").expect("a module of a test program");
    ["--exact".into(), format!("{module}::{test}"), "--nocapture".into()]
}

/// The path for use in a shell, where `/proc/self/exe` would be the shell.
pub(crate) fn path() -> PathBuf {
    std::env::current_exe().expect("the system knows the path of this program")
}

/// A command that runs one test of this program.
pub(crate) fn command(module: &str, test: &str) -> Command {
    // This works for another user, too, even in a folder that only its owner may enter.
    let own = PathBuf::from("/proc/self/exe");
    let mut command = Command::new(if own.exists() { own } else { path() });
    command.args(exactly(module, test));
    command
}

const ALONE: &str = "KEYGATE_TEST_ALONE";

/// Whether this process was started by [`pass_alone`].
pub(crate) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs one test in a separate process, where it must pass.
#[track_caller]
pub(crate) fn pass_alone(module: &str, test: &str) {
    let output = command(module, test).env(ALONE, "1").output().expect("the program starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}
