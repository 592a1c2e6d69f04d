//! Folders that cannot be written, and files that are missing or are not regular files.

use std::fs;

use super::users::add_as_plain_user;
use crate::editing::fixture::{Folder, open, read, set_mode};

#[test]
fn read_only_folder_is_an_error_with_a_remedy() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    set_mode(folder.path(), 0o555);
    let said = add_as_plain_user(&folder, &path, "A");
    let lock = folder.path().join(".keys.yml.lock");
    assert_eq!(
        said,
        format!(
            "error: {}: the lock `{}` cannot be created (Permission denied (os error 13)): editing \
             the file takes write access to its folder",
            path.display(),
            lock.display()
        )
    );
    // Even if the lock exists, the new file must be created in the folder.
    set_mode(folder.path(), 0o755);
    assert_eq!(add_as_plain_user(&folder, &path, "A"), "done");
    set_mode(folder.path(), 0o555);
    let said = add_as_plain_user(&folder, &path, "B");
    assert_eq!(
        said,
        format!(
            "error: {}: no new file can be created to replace it (Permission denied (os error 13)): editing the file takes write access to its folder; nothing was changed",
            path.display()
        )
    );
    assert_eq!(read(&path), "clients:\n  A:\n");
    assert_eq!(folder.names(), [".keys.yml.lock", "keys.yml"]);
}

#[test]
fn file_in_a_folder_that_cannot_be_listed_is_edited() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    set_mode(folder.path(), 0o300);
    assert_eq!(add_as_plain_user(&folder, &path, "A"), "done");
    assert_eq!(read(&path), "clients:\n  A:\n");
}

#[test]
fn file_that_became_unreadable_is_an_error() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    set_mode(&path, 0o000);
    let said = add_as_plain_user(&folder, &path, "A");
    assert!(said.contains("the file cannot be read (Permission denied"), "{said}");
}

#[test]
fn deleted_file_is_an_error_and_not_created() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n  A:\n");
    let store = open(&path);
    fs::remove_file(&path).unwrap();
    let error = store.add_client("B").unwrap_err().to_string();
    assert!(error.contains("the file cannot be found"), "{error}");
    assert!(folder.names().is_empty());
    assert_eq!(store.list_clients().len(), 1);
    folder.file("keys.yml", "clients:\n  C:\n");
    store.add_client("B").unwrap();
    assert_eq!(read(&path), "clients:\n  C:\n  B:\n");
}

#[test]
fn folder_instead_of_the_file_is_an_error() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    let store = open(&path);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = store.add_client("A").unwrap_err().to_string();
    assert!(error.contains("this is not a regular file"), "{error}");
    assert_eq!(folder.names(), [".keys.yml.lock", "keys.yml"]);
}

#[test]
fn unusual_file_names_and_bare_names_are_edited() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new();
    for name in [&b"-"[..], b"a b", b".keys", b"\xff\xfe.yml", "🦀.yml".as_bytes(), &[b'n'; 200]]
    {
        let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
        fs::write(&path, "clients:\n").unwrap();
        open(&path).add_client("A").unwrap();
        assert_eq!(read(&path), "clients:\n  A:\n");
    }
    let mut command = crate::editing::processes::worker::command("add A", "keys.yml".as_ref());
    let path = folder.file("keys.yml", "clients:\n");
    let output = command.current_dir(folder.path()).output().unwrap();
    assert_eq!(crate::editing::processes::worker::said(&output.stdout), ["done"]);
    assert_eq!(read(&path), "clients:\n  A:\n");
}
