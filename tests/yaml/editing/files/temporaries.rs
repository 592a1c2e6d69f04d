//! Files that killed processes and other programs left beside the key file.

use crate::editing::fixture::{Folder, open, read};

#[test]
fn only_left_over_temporary_files_are_removed() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    for name in [".keys.yml.1.keygate-tmp", ".keys.yml.4194304.keygate-tmp"] {
        folder.file(name, "half a fi");
    }
    // One was left by a process with the same id, and has the name of the new temporary file.
    folder.file(&format!(".keys.yml.{}.keygate-tmp", std::process::id()), "half a fi");
    let others = [
        ".keys.yml..keygate-tmp",
        ".keys.yml.1.keygate-tmp.bak",
        ".keys.yml.1x.keygate-tmp",
        ".keys.yml.swp",
        ".other.yml.1.keygate-tmp",
        "keys.yml.1.keygate-tmp",
        "keys.yml~",
    ];
    for name in others {
        folder.file(name, "somebody's");
    }
    open(&path).add_client("A").unwrap();
    let mut right = others.to_vec();
    right.extend([".keys.yml.lock", "keys.yml"]);
    right.sort_unstable();
    assert_eq!(folder.names(), right);
    assert_eq!(read(&path), "clients:\n  A:\n");
    for name in others {
        assert_eq!(read(&folder.path().join(name)), "somebody's");
    }
}

#[test]
fn change_that_changes_nothing_writes_nothing() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n  A:\n    enabled: False\n");
    let inode = || std::fs::metadata(&path).unwrap().ino();
    let before = inode();
    let store = open(&path);
    store.disable_client("A").unwrap();
    store.hash_keys().unwrap();
    assert_eq!(inode(), before);
}
