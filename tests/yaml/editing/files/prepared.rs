//! Locks that another user has planted beside the key file, so that keygate would write elsewhere.

use std::fs::{self, File};
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use super::users::is_root;
use crate::editing::fixture::{Folder, open, read};

const SECRET: &str =
    "somebody's, and longer than what a lock holds: 08zEk8IC0le3I0kPwSF1g4XU9R5Wgb";

/// Checks that an edit is refused for this reason, and that neither the key file nor the other file is changed.
#[track_caller]
fn refused(folder: &Folder, path: &Path, target: &Path, why: &str) {
    let lock = folder.path().join(".keys.yml.lock");
    let error = open(path).add_client("A").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: keygate did not create the lock `{}` for this file ({why}): find out who put it \
             there, and remove it; nothing was changed",
            path.display(),
            lock.display()
        )
    );
    assert_eq!((&*read(target), &*read(path)), (SECRET, "clients:\n"));
    fs::remove_file(lock).unwrap();
    open(path).add_client("A").unwrap();
}

#[test]
fn lock_that_is_a_symlink_overwrites_nothing() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    let target = folder.file("target", SECRET);
    symlink(&target, folder.path().join(".keys.yml.lock")).unwrap();
    refused(&folder, &path, &target, "it is a symbolic link");
}

#[test]
fn lock_that_is_a_hard_link_overwrites_nothing() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    let target = folder.file("target", SECRET);
    fs::hard_link(&target, folder.path().join(".keys.yml.lock")).unwrap();
    refused(&folder, &path, &target, "it has another name, a hard link");
}

#[test]
fn file_moved_to_the_place_of_the_lock_is_not_overwritten() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    let lock = folder.file(".keys.yml.lock", SECRET);
    let why = "keygate did not write its content";
    let target = folder.file("target", SECRET);
    let error = open(&path).add_client("A").unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    assert_eq!(read(&lock), SECRET);
    refused(&folder, &path, &target, why);
}

#[test]
fn lock_that_is_a_pipe_is_not_waited_for() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    let target = folder.file("target", SECRET);
    let lock = folder.path().join(".keys.yml.lock");
    let made = std::process::Command::new("mkfifo").arg(lock).status().unwrap();
    assert!(made.success());
    refused(&folder, &path, &target, "it is not a regular file");
}

/// Only root can make a file of another user.
#[test]
fn lock_of_another_user_is_refused() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    let target = folder.file("target", SECRET);
    let lock = folder.file(".keys.yml.lock", "");
    let given = chown(&lock, Some(12_345), None);
    if !is_root() {
        assert_eq!(given.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        return;
    }
    refused(&folder, &path, &target, "it belongs to user 12345");
    // The owner of the key file may have created the lock.
    let lock = folder.path().join(".keys.yml.lock");
    chown(&lock, Some(12_345), None).unwrap();
    chown(&path, Some(12_345), None).unwrap();
    open(&path).add_client("B").unwrap();
}

/// The remains of a write to a full disk, and of a crash.
#[test]
fn partly_written_lock_is_used() {
    let note = format!("sha256:{}", "0".repeat(64));
    for left in ["", "sha", "sha256:0123", &note, "\0\0\0\0", &"\0".repeat(71)] {
        let folder = Folder::new();
        let path = folder.file("keys.yml", "clients:\n");
        let lock = folder.file(".keys.yml.lock", left);
        open(&path).add_client("A").unwrap();
        let note = read(&lock);
        assert!(note.starts_with("sha256:") && note.len() == 71, "{note}");
    }
}

/// Reading all of it would take more memory than the process may use.
#[test]
fn oversized_lock_takes_no_memory() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    File::create(folder.path().join(".keys.yml.lock")).unwrap().set_len(3 << 30).unwrap();
    // The lock shows whether a recently changed file is complete.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    File::options().append(true).open(&path).unwrap().set_modified(later).unwrap();
    let job = crate::editing::processes::worker::command("add A", &path);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -v 2000000; exec \"$@\"", "sh"]);
    limited.arg(crate::this_program::path()).args(job.get_args());
    limited.envs(job.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    let said = crate::editing::processes::worker::said(&output.stdout).concat();
    assert!(said.contains("keygate did not write its content"), "{said}{output:?}");
}
