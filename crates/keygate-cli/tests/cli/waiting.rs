//! The lock of a key file, held by another process.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use crate::tool::Sandbox;

#[test]
fn note_names_the_process_that_holds_the_lock() {
    let sandbox = Sandbox::with_client("App 1");
    fs::write(sandbox.path("plain.yaml"), "api_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU\n")
        .unwrap();
    sandbox.run(["client", "add", "App 1", "--store", "plain.yaml"]).succeeds();
    let commands = [
        (".keys.yaml.lock", vec!["client", "add", "App 2"]),
        (".plain.yaml.lock", vec!["hash", "--yes", "--store", "plain.yaml"]),
    ];
    for (name, command) in commands {
        let lock = File::open(sandbox.path(name)).unwrap();
        lock.lock().unwrap();
        let mut tool = sandbox.command(command);
        let mut tool = tool.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(tool.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let (own, path) = (std::process::id(), fs::canonicalize(sandbox.path(name)).unwrap());
        let begin = format!("waiting for the lock {}, which ", path.display());
        assert!(line.starts_with(&begin), "{line}");
        if cfg!(target_os = "linux") {
            let program = fs::read_to_string("/proc/self/comm").unwrap();
            let holder = format!("process {own} ({}) holds\n", program.trim());
            assert_eq!(line.strip_prefix(&begin), Some(&*holder));
        }
        lock.unlock().unwrap();
        let status = tool.wait().unwrap();
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert!(status.success(), "{rest}");
        assert!(!rest.contains("waiting"), "reported more than once: {rest}");
    }
}

#[test]
fn lock_that_cannot_be_used_safely_exits_3() {
    let sandbox = Sandbox::with_client("App 1");
    let lock = sandbox.path(".keys.yaml.lock");
    fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink("elsewhere", &lock).unwrap();
    let before = sandbox.file();
    sandbox.run(["client", "add", "App 2"]).fails(3, "it is a symbolic link");
    fs::remove_file(&lock).unwrap();
    fs::write(&lock, "not a lock").unwrap();
    sandbox.run(["client", "add", "App 2"]).fails(3, "keygate did not write its content");
    fs::remove_file(&lock).unwrap();
    fs::hard_link(sandbox.path("keys.yaml"), sandbox.path("other")).unwrap();
    sandbox.run(["client", "add", "App 2"]).fails(3, "a hard link");
    assert_eq!(sandbox.file(), before);
}
