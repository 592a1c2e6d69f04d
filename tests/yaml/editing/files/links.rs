//! Symbolic links, which are kept, and hard links, which are refused.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::editing::fixture::{Folder, names_in, open, read};

const LOCK: &str = ".target.yml.lock";

/// A target in another folder, and links to it: relative, absolute, in a chain, through a folder.
fn links(folder: &Folder) -> Vec<std::path::PathBuf> {
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("real")).unwrap();
    folder.file("real/target.yml", "clients:\n");
    symlink("real/target.yml", at("relative.yml")).unwrap();
    symlink(at("real/target.yml"), at("absolute.yml")).unwrap();
    symlink("relative.yml", at("chain.yml")).unwrap();
    symlink("real", at("folder")).unwrap();
    symlink("folder/target.yml", at("both.yml")).unwrap();
    [
        "relative.yml",
        "absolute.yml",
        "chain.yml",
        "folder/target.yml",
        "both.yml",
        "real/../chain.yml",
    ]
    .map(at)
    .to_vec()
}

#[test]
fn links_are_kept_and_their_target_is_edited() {
    let folder = Folder::new();
    for (number, link) in links(&folder).into_iter().enumerate() {
        let is_link = |path: &Path| fs::symlink_metadata(path).unwrap().is_symlink();
        let was_link = is_link(&link);
        let store = open(&link);
        store.add_client(format!("A {number}")).unwrap();
        assert_eq!(is_link(&link), was_link, "{}", link.display());
        let target = folder.path().join("real/target.yml");
        assert!(!is_link(&target));
        assert!(read(&target).ends_with(&format!("  A {number}:\n")));
    }
    // All of them use the same lock, whatever their path to the file.
    assert_eq!(names_in(&folder.path().join("real")), [LOCK, "target.yml"]);
    let names = ["absolute.yml", "both.yml", "chain.yml", "folder", "real", "relative.yml"];
    assert_eq!(folder.names(), names);
}

#[test]
fn retargeted_link_is_followed() {
    let folder = Folder::new();
    let one = folder.file("one.yml", "clients:\n  A:\n");
    let other = folder.file("other.yml", "clients:\n  B:\n");
    let link = folder.path().join("link.yml");
    symlink("one.yml", &link).unwrap();
    let store = open(&link);
    fs::remove_file(&link).unwrap();
    symlink("other.yml", &link).unwrap();
    store.add_client("C").unwrap();
    assert_eq!((&*read(&one), &*read(&other)), ("clients:\n  A:\n", "clients:\n  B:\n  C:\n"));
    assert_eq!(store.list_clients().len(), 2);
}

#[test]
fn dangling_link_is_an_error() {
    let folder = Folder::new();
    let target = folder.file("target.yml", "clients:\n");
    let link = folder.path().join("link.yml");
    symlink("target.yml", &link).unwrap();
    let store = open(&link);
    fs::remove_file(target).unwrap();
    let error = store.add_client("A").unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}: the file cannot be found (No such file or directory (os error 2)): check the path",
            link.display()
        )
    );
    assert_eq!(folder.names(), ["link.yml"]);
}

#[test]
fn hard_link_is_refused() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    let other = folder.path().join("other.yml");
    fs::hard_link(&path, &other).unwrap();
    let store = open(&path);
    let error = store.add_client("A").unwrap_err().to_string();
    assert!(
        error.ends_with(
            "the file has another name (a hard link), which would keep the old \
        content: remove that link, or use a symbolic link; nothing was changed"
        ),
        "{error}"
    );
    assert_eq!((&*read(&path), &*read(&other)), ("clients:\n", "clients:\n"));
    assert_eq!(folder.names(), [".keys.yml.lock", "keys.yml", "other.yml"]);
    assert!(store.list_clients().is_empty());
    fs::remove_file(other).unwrap();
    store.add_client("A").unwrap();
}

/// Following a link in place of the lock would create files elsewhere.
#[test]
fn lock_that_is_a_link_is_not_followed() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    symlink("elsewhere", folder.path().join(".keys.yml.lock")).unwrap();
    let error = open(&path).add_client("A").unwrap_err().to_string();
    assert!(error.contains("the lock `") && error.contains("symbolic link"), "{error}");
    assert!(!folder.path().join("elsewhere").exists());
    assert_eq!(read(&path), "clients:\n");
}
