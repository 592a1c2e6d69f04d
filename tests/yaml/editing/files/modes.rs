//! The modes of the file, the lock and the temporary file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use keygate::YamlStore;

use crate::editing::fixture::{Folder, fill, mode, open, read, set_mode};

#[test]
fn mode_stays() {
    for bits in [0o600, 0o640, 0o644, 0o660, 0o400, 0o444, 0o604] {
        let folder = Folder::new();
        let path = folder.file("keys.yml", "clients:\n");
        set_mode(&path, bits);
        open(&path).add_client("A").unwrap();
        assert_eq!((mode(&path), &*read(&path)), (bits, "clients:\n  A:\n"));
        assert_eq!(mode(&folder.path().join(".keys.yml.lock")), 0o600);
    }
}

#[test]
fn new_file_is_only_for_its_owner() {
    let folder = Folder::new();
    let path = folder.path().join("keys.yml");
    let store = YamlStore::create(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    store.add_client("A").unwrap();
    assert!(read(&path).ends_with("\nversion: 1\nclients:\n  A:\n"), "{}", read(&path));
    let error = YamlStore::create(&path).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "a file of this name already exists: choose another name, or remove the file"
        ),
        "{error}"
    );
    std::os::unix::fs::symlink("nowhere", folder.path().join("link.yml")).unwrap();
    YamlStore::create(folder.path().join("link.yml")).unwrap_err();
    assert!(!folder.path().join("nowhere").exists());
    let error = YamlStore::create(folder.path().join("no/keys.yml")).unwrap_err().to_string();
    assert!(error.contains("/no does not exist: create it first"), "{error}");
}

/// Checked as often as possible while a public file is edited: the temporary file is not public before it replaces the
/// file.
#[test]
fn temporary_file_is_only_for_its_owner() {
    let folder = Folder::new();
    let text = "# long\n".repeat(300_000);
    let path = folder.file("keys.yml", fill(&format!("api_key: KEY_A\n{text}")));
    set_mode(&path, 0o600);
    let store = open(&path);
    let end = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut seen = 0;
            while !end.load(Ordering::SeqCst) {
                for entry in fs::read_dir(folder.path()).unwrap() {
                    let entry = entry.unwrap();
                    let is_temporary = entry.file_name().to_string_lossy().ends_with("-tmp");
                    // The file may be gone already.
                    let Ok(metadata) = entry.metadata() else { continue };
                    if is_temporary {
                        use std::os::unix::fs::PermissionsExt as _;
                        assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
                        seen += 1;
                    }
                }
            }
            seen
        });
        for number in 0..5 {
            store.add_client(format!("A {number}")).unwrap();
        }
        end.store(true, Ordering::SeqCst);
        watching.join().unwrap()
    });
    assert!(seen > 0, "the file was written too fast to be seen");
}

#[cfg(unix)]
#[test]
fn readable_plaintext_keys_are_reported_until_they_are_hashed() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", fill("api_key: KEY_A\n"));
    set_mode(&path, 0o644);
    let store = open(&path);
    let warned = |store: &YamlStore| {
        let warnings = store.warnings();
        warnings.iter().filter(|warning| warning.to_string().contains("chmod o-r")).count()
    };
    assert_eq!(warned(&store), 1);
    store.hash_keys().unwrap();
    assert_eq!(warned(&store), 0);
    assert_eq!(mode(&path), 0o644);
}
