//! Files that other programs change between two edits.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::editing::fixture::{Folder, fill, id, new, open, read};

#[test]
fn change_by_another_program_is_not_lost() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n  A:\n");
    let store = open(&path);
    fs::write(&path, "clients:\n  A:\n  B:   # by hand\n").unwrap();
    store.issue("B", new('A')).unwrap();
    assert_eq!(
        read(&path),
        fill(
            "clients:\n  A:\n  B:   # by hand\n    keys:\n      - digest: DIGEST_A\n        created: 2026-11-24T10:00:00Z\n"
        )
    );
    assert_eq!(store.list_clients().len(), 2);
    let health = store.health();
    assert!(health.failing_since.is_none());
}

#[test]
fn two_stores_of_one_file_see_each_others_changes() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n  A:\n");
    let (one, other) = (open(&path), open(&path));
    one.issue("A", new('A')).unwrap();
    let error = other.issue("A", new('A')).unwrap_err().to_string();
    assert_eq!(
        error,
        fill("this key is already in the store, as ID_A: give each client its own key")
    );
    other.revoke(&id('A')).unwrap();
    let error = one.rotate(&id('A'), new('B'), Duration::ZERO).unwrap_err();
    assert_eq!(
        error.to_string(),
        fill("the key ID_A was revoked, which is permanent: issue a new key")
    );
}

#[test]
fn file_that_became_invalid_is_not_edited() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", fill("api_key: KEY_A\n"));
    let store = open(&path);
    fs::write(&path, "api_key: [\n").unwrap();
    let error = store.add_client("A").unwrap_err().to_string();
    assert!(error.contains("keys.yml:"), "{error}");
    assert_eq!(read(&path), "api_key: [\n");
    assert_eq!(store.len(), 1);
}

#[test]
fn edit_does_not_restore_a_revoked_key() {
    let folder = Folder::new();
    let live = fill("clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n");
    let path = folder.file("keys.yml", &live);
    let store = open(&path);
    store.revoke(&id('A')).unwrap();
    // For example, from version control.
    fs::write(&path, &live).unwrap();
    let error = store.add_client("B").unwrap_err().to_string();
    assert_eq!(
        error,
        fill(
            "the key ID_A was revoked and would work again: if that is intended, call `reload()` or restart the service"
        )
    );
    assert_eq!(read(&path), live);
    assert_eq!(store.len(), 0);
    // Either revoking it again, which loses nothing, or reloading resolves this.
    store.reload().unwrap();
    store.add_client("B").unwrap();
    assert_eq!(store.len(), 1);
}

#[test]
fn file_that_lost_all_keys_is_not_edited() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", fill("api_key: KEY_A\n"));
    let store = open(&path);
    fs::write(&path, "").unwrap();
    let error = store.add_client("A").unwrap_err().to_string();
    assert!(error.starts_with("there are no longer any keys"), "{error}");
    assert_eq!(read(&path), "");
    assert_eq!(store.len(), 1);
}

#[test]
fn file_being_written_is_edited_once_complete() {
    let whole = fill(
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        revoked: 2026-11-01T12:00:00Z\n  B: {}\n",
    );
    // The first part of the file is valid on its own, and the key is live in it.
    let (begin, end) = whole.split_at(whole.find("        revoked").unwrap());
    // This tests the real clock. If the writer is paused for the interval between two reads, the test proves nothing.
    let shown = (0..50).any(|_| {
        let folder = Folder::new();
        let path = folder.file("keys.yml", "clients:\n  A:\n");
        let store = open(&path);
        let start = Instant::now();
        fs::write(&path, begin).unwrap();
        let in_time = std::thread::scope(|scope| {
            scope.spawn(|| store.add_client("C").unwrap());
            std::thread::sleep(Duration::from_millis(20));
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(end.as_bytes()).unwrap();
            start.elapsed() < Duration::from_millis(40)
        });
        if in_time {
            assert_eq!(read(&path), format!("{whole}  C:\n"));
        }
        in_time
    });
    assert!(shown, "the machine was never quick enough");
}
