//! Jobs of an ordinary user: the current user, or `nobody` if that is root.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::editing::fixture::{Folder, mode, open, read, set_mode};
use crate::editing::processes::worker;

const NOBODY: u32 = 65_534;

pub(super) fn is_root() -> bool {
    // A file that was just created belongs to the current user.
    let folder = Folder::new();
    std::fs::metadata(folder.path()).unwrap().uid() == 0
}

/// The result when an ordinary user, who owns the folder and the file, adds a client.
pub(super) fn add_as_plain_user(folder: &Folder, path: &Path, name: &str) -> String {
    let mut command = worker::command(&format!("add {name}"), path);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
        for entry in folder.names() {
            chown(folder.path().join(entry), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    worker::said(&output.stdout).concat()
}

#[test]
fn ordinary_user_edits_their_own_file() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    assert_eq!(add_as_plain_user(&folder, &path, "A"), "done");
    assert_eq!(read(&path), "clients:\n  A:\n");
}

/// Root keeps the owner; other users keep the group if they are members.
#[test]
fn owner_and_group_stay() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    let (owner, group) =
        if is_root() { (Some(NOBODY), Some(12_345)) } else { (None, other_group()) };
    chown(&path, owner, group).unwrap();
    set_mode(&path, 0o640);
    let of = |path: &Path| {
        let metadata = std::fs::metadata(path).unwrap();
        (metadata.uid(), metadata.gid())
    };
    let before = of(&path);
    open(&path).add_client("A").unwrap();
    assert_eq!((of(&path), mode(&path)), (before, 0o640));
    // A user who may edit the file may use a lock that root has created.
    assert_eq!(of(&folder.path().join(".keys.yml.lock")), before);
}

/// A group of this user, other than the group of new files.
fn other_group() -> Option<u32> {
    let output = std::process::Command::new("id").arg("-G").output().expect("there is `id`");
    let groups = String::from_utf8(output.stdout).unwrap();
    groups.split_whitespace().last().map(|group| group.parse().unwrap())
}

#[test]
fn lock_created_by_root_belongs_to_the_file_owner() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    if is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    open(&path).add_client("A").unwrap();
    let mut command = worker::command("add B", &path);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    assert_eq!(worker::said(&output.stdout).concat(), "done");
    assert_eq!(read(&path), "clients:\n  A:\n  B:\n");
}

/// Only root can make a file of another user, which this case needs.
#[test]
fn file_of_another_user_is_edited_only_by_root() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    set_mode(&path, 0o644);
    if !is_root() {
        let refused = chown(&path, Some(0), None).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
        return;
    }
    set_mode(folder.path(), 0o777);
    let output = worker::command("add B", &path).uid(NOBODY).gid(NOBODY).output().unwrap();
    let said = worker::said(&output.stdout).concat();
    assert_eq!(
        said,
        format!(
            "error: {}: the file belongs to another user or group, and the new one cannot be given to them (Operation not permitted (os error 1)): edit it as that user; nothing was changed",
            path.display()
        )
    );
    assert_eq!(read(&path), "clients:\n");
    // A lock of another user would lock out the owner.
    assert_eq!(folder.names(), ["keys.yml"]);
    open(&path).add_client("A").unwrap();
}
