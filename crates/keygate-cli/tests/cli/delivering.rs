//! A new key is written out before it is stored. If writing fails, the store is unchanged.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::tool::{CommandResult, Sandbox, finish, id_of, is_key};

#[test]
fn full_disk_leaves_the_store_as_it_was() {
    nothing_changes(3, "No space left on device", |sandbox, command| {
        sandbox.run_on_full_disk(command)
    });
}

#[test]
fn closed_pipe_leaves_the_store_as_it_was() {
    nothing_changes(3, "standard output cannot be written", |sandbox, command| {
        sandbox.run_on_closed_pipe(command)
    });
}

#[test]
fn null_device_and_closed_output_leave_the_store_as_it_was() {
    // Rust opens the null device if standard output is closed.
    nothing_changes(3, "the key would be lost", |sandbox, command| {
        sandbox.command(command).stdout(Stdio::null()).output().unwrap().into()
    });
}

#[test]
fn existing_file_is_not_overwritten_and_nothing_is_stored() {
    nothing_changes(1, "already exists", |sandbox, command| {
        fs::write(sandbox.path("taken"), "as it was").unwrap();
        let result = sandbox.run(command.iter().copied().chain(["--out", "taken"]));
        assert_eq!(sandbox.read("taken"), "as it was");
        result
    });
}

#[test]
fn missing_folder_leaves_the_store_as_it_was() {
    nothing_changes(3, "does not exist", |sandbox, command| {
        sandbox.run(command.iter().copied().chain(["--out", "no/such/folder"]))
    });
}

#[test]
fn key_is_written_to_a_folder_that_cannot_be_listed() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65_534;

    let sandbox = Sandbox::with_client("App 1");
    let drop_box = sandbox.path("drop");
    fs::create_dir(&drop_box).unwrap();
    let is_root = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&drop_box).unwrap()) == 0;
    let mut command = sandbox.command(["key", "issue", "App 1", "--out", "drop/key"]);
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
        for owned in [".", "keys.yaml", ".keys.yaml.lock", "drop"] {
            chown(sandbox.path(owned), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    fs::set_permissions(&drop_box, fs::Permissions::from_mode(0o300)).unwrap();
    let result = CommandResult::from(command.output().unwrap());
    fs::set_permissions(&drop_box, fs::Permissions::from_mode(0o700)).unwrap();
    result.succeeds();
    assert!(is_key(sandbox.read("drop/key").trim_end()));
}

/// Issues and rotates, with and without `--json`, and checks that the store is unchanged.
fn nothing_changes(code: i32, reason: &str, run: impl Fn(&Sandbox, &[&str]) -> CommandResult) {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    let before = sandbox.file();
    for command in [["key", "issue", "App 1"], ["key", "rotate", &id]] {
        run(&sandbox, &command).fails(code, reason);
        let [first, second, third] = command;
        let result = run(&sandbox, &[first, second, third, "--json"]);
        assert_eq!((result.code, result.out.as_str()), (code, ""), "{}", result.err);
        let error: serde_json::Value = serde_json::from_str(&result.err).unwrap();
        assert_eq!(error["code"], code);
        assert!(error["error"].as_str().unwrap().contains(reason), "{}", result.err);
        assert_eq!(sandbox.file(), before);
    }
}

#[test]
fn printed_key_is_reported_as_invalid_if_the_store_refuses_it() {
    let sandbox = Sandbox::with_client("App 1");
    let result = overtaken(&sandbox, &["key", "issue", "App 1"], "clients:\n  Other:\n");
    assert!(is_key(result.out.trim_end()));
    assert_eq!(result.code, 1, "{}", result.err);
    assert!(result.err.contains("the printed key is not valid"), "{}", result.err);
}

#[test]
fn key_file_is_removed_if_the_store_refuses_the_key() {
    let sandbox = Sandbox::with_client("App 1");
    let command = ["key", "issue", "App 1", "--out", "key"];
    let result = overtaken(&sandbox, &command, "clients:\n  Other:\n");
    assert_eq!((result.code, result.out.as_str()), (1, ""), "{}", result.err);
    assert_eq!(sandbox.other_files(), [""; 0]);
}

#[test]
fn key_is_kept_if_the_store_cannot_be_read_again() {
    let sandbox = Sandbox::with_client("App 1");
    let command = ["key", "issue", "App 1", "--out", "key"];
    let result = overtaken(&sandbox, &command, "clients: [");
    assert_eq!((result.code, result.out.as_str()), (3, ""), "{}", result.err);
    assert!(result.err.contains("it is unknown whether the new key is valid"), "{}", result.err);
    assert!(is_key(sandbox.read("key").trim_end()));
}

/// Replaces the text of the file after the tool has read it. Until then, this function holds the file's lock, for which
/// the tool's change waits.
fn overtaken(sandbox: &Sandbox, command: &[&str], text: &str) -> CommandResult {
    let lock = File::options().write(true).open(lock_file(sandbox)).unwrap();
    lock.lock().unwrap();
    let mut command = sandbox.command(command);
    let tool = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&lock_file(sandbox), tool.id());
    fs::write(sandbox.path("keys.yaml"), text).unwrap();
    lock.unlock().unwrap();
    finish(tool)
}

/// Waits until a process has opened the lock file. It may not have requested the lock yet.
fn wait_for(lock: &Path, process: u32) {
    let start = Instant::now();
    let lock = fs::canonicalize(lock).unwrap();
    let open = format!("/proc/{process}/fd");
    loop {
        // On systems without this folder, wait long enough.
        let Ok(open) = fs::read_dir(&open) else { break thread::sleep(Duration::from_secs(1)) };
        let mut targets = open.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        if targets.any(|path| path == lock) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the tool did not open the lock");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the path of the lock file.
fn lock_file(sandbox: &Sandbox) -> std::path::PathBuf {
    let files = fs::read_dir(sandbox.path("")).unwrap().map(|file| file.unwrap().path());
    let is_lock = |path: &std::path::PathBuf| path.to_string_lossy().ends_with("lock");
    files.into_iter().find(is_lock).expect("an edit leaves its lock file")
}

#[test]
fn slow_reader_gets_the_key() {
    let sandbox = Sandbox::with_client("App 1");
    let mut command = sandbox.command(["key", "issue", "App 1"]);
    let tool = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while sandbox.keys().is_empty() {
        assert!(Instant::now() < end, "the key was never stored");
    }
    let result = finish(tool).succeeds();
    sandbox.run_with(result.out.as_bytes(), ["check"]).succeeds();
}
