//! The key is handed over before the store is told: where that fails, nothing has changed.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::tool::{Answer, Place, finish, id_of, is_key};

#[test]
fn full_disk_leaves_the_store_as_it_was() {
    nothing_changes(3, "No space left on device", |place, command| place.run_on_full_disk(command));
}

#[test]
fn closed_pipe_leaves_the_store_as_it_was() {
    nothing_changes(3, "standard output cannot be written", |place, command| {
        place.run_on_closed_pipe(command)
    });
}

#[test]
fn null_device_and_closed_output_leave_the_store_as_it_was() {
    // Rust opens the null device where standard output is closed.
    nothing_changes(3, "the key would be lost", |place, command| {
        place.command(command).stdout(Stdio::null()).output().unwrap().into()
    });
}

#[test]
fn existing_file_is_not_overwritten_and_nothing_is_stored() {
    nothing_changes(1, "exists already", |place, command| {
        fs::write(place.path("taken"), "as it was").unwrap();
        let answer = place.run(command.iter().copied().chain(["--out", "taken"]));
        assert_eq!(place.read("taken"), "as it was");
        answer
    });
}

#[test]
fn file_in_no_folder_leaves_the_store_as_it_was() {
    nothing_changes(3, "cannot be written", |place, command| {
        place.run(command.iter().copied().chain(["--out", "no/such/folder"]))
    });
}

#[test]
fn key_is_written_to_a_folder_that_cannot_be_listed() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65_534;

    let place = Place::with_client("App 1");
    let drop_box = place.path("drop");
    fs::create_dir(&drop_box).unwrap();
    let is_root = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&drop_box).unwrap()) == 0;
    let mut command = place.command(["key", "issue", "App 1", "--out", "drop/key"]);
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
        for owned in [".", "keys.yaml", ".keys.yaml.lock", "drop"] {
            chown(place.path(owned), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    fs::set_permissions(&drop_box, fs::Permissions::from_mode(0o300)).unwrap();
    let answer = Answer::from(command.output().unwrap());
    fs::set_permissions(&drop_box, fs::Permissions::from_mode(0o700)).unwrap();
    answer.succeeds();
    assert!(is_key(place.read("drop/key").trim_end()));
}

/// For issuing and rotating, with people and programs reading.
fn nothing_changes(code: i32, reason: &str, run: impl Fn(&Place, &[&str]) -> Answer) {
    let place = Place::with_client("App 1");
    let id = id_of(&place.issue(&["App 1"]));
    let before = place.file();
    for command in [["key", "issue", "App 1"], ["key", "rotate", &id]] {
        run(&place, &command).fails(code, reason);
        let [first, second, third] = command;
        let answer = run(&place, &[first, second, third, "--json"]);
        assert_eq!((answer.code, answer.out.as_str()), (code, ""), "{}", answer.err);
        let error: serde_json::Value = serde_json::from_str(&answer.err).unwrap();
        assert_eq!(error["code"], code);
        assert!(error["error"].as_str().unwrap().contains(reason), "{}", answer.err);
        assert_eq!(place.file(), before);
    }
}

#[test]
fn key_that_the_store_then_refuses_is_said_to_be_invalid() {
    let place = Place::with_client("App 1");
    let answer = overtaken(&place, &["key", "issue", "App 1"], "clients:\n  Other:\n");
    assert!(is_key(answer.out.trim_end()));
    assert_eq!(answer.code, 1, "{}", answer.err);
    assert!(answer.err.contains("the key just printed is not valid"), "{}", answer.err);
}

#[test]
fn file_of_a_key_that_the_store_then_refuses_is_removed() {
    let place = Place::with_client("App 1");
    let command = ["key", "issue", "App 1", "--out", "key"];
    let answer = overtaken(&place, &command, "clients:\n  Other:\n");
    assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{}", answer.err);
    assert_eq!(place.other_files(), [""; 0]);
}

#[test]
fn key_is_kept_where_nobody_can_say_whether_the_store_holds_it() {
    let place = Place::with_client("App 1");
    let command = ["key", "issue", "App 1", "--out", "key"];
    let answer = overtaken(&place, &command, "clients: [");
    assert_eq!((answer.code, answer.out.as_str()), (3, ""), "{}", answer.err);
    assert!(answer.err.contains("whether the new key is valid is not known"), "{}", answer.err);
    assert!(is_key(place.read("key").trim_end()));
}

/// Puts this text into the file between the look of the tool at it and its change: the change waits
/// for the lock of the file, which is held here.
fn overtaken(place: &Place, command: &[&str], text: &str) -> Answer {
    let lock = File::options().write(true).open(lock_file(place)).unwrap();
    lock.lock().unwrap();
    let mut command = place.command(command);
    let tool = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&lock_file(place), tool.id());
    fs::write(place.path("keys.yaml"), text).unwrap();
    lock.unlock().unwrap();
    finish(tool)
}

/// Waits until a process has opened the lock; it may then still be on its way to ask for it.
fn wait_for(lock: &Path, process: u32) {
    let begun = Instant::now();
    let lock = fs::canonicalize(lock).unwrap();
    let open = format!("/proc/{process}/fd");
    loop {
        // On systems without such a folder, only time tells.
        let Ok(open) = fs::read_dir(&open) else { break thread::sleep(Duration::from_secs(1)) };
        let mut targets = open.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        if targets.any(|path| path == lock) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the tool did not come to the lock");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The file beside the key file that keeps its editors apart.
fn lock_file(place: &Place) -> std::path::PathBuf {
    let files = fs::read_dir(place.path("")).unwrap().map(|file| file.unwrap().path());
    let is_lock = |path: &std::path::PathBuf| path.to_string_lossy().ends_with("lock");
    files.into_iter().find(is_lock).expect("an edit leaves its lock file")
}

#[test]
fn slow_reader_gets_the_key() {
    let place = Place::with_client("App 1");
    let mut command = place.command(["key", "issue", "App 1"]);
    let tool = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while place.keys().is_empty() {
        assert!(Instant::now() < end, "the key was never filed");
    }
    let answer = finish(tool).succeeds();
    place.run_with(answer.out.as_bytes(), ["check"]).succeeds();
}
