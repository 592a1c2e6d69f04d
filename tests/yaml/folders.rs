//! Keys in a folder with a file for each client.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use keygate::store::FolderStore;
use keygate::{Authenticator, KeyDigest, MemoryStore};
use tempfile::TempDir;

use crate::watching::folder::{events, until};

const A: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
const B: &str = "ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM";
const C: &str = "Wg1vaDs8uqFbYtNDsJ8H3gKjl_oI0T_O6Jg8qNLWJcU";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn client(store: &FolderStore, key: &str) -> Option<String> {
    let client = Authenticator::new(store.clone()).verify_key(key.as_bytes()).ok()?;
    Some(client.name().to_owned())
}

#[test]
fn each_file_has_the_keys_of_one_client() {
    let digest = KeyDigest::of(C.as_bytes()).to_text();
    let folder = folder(&[
        ("User 1", A),
        ("App 1", &format!("{B}\r\n\r\n{digest}\n")),
        ("Gr\u{f6}\u{df}e", ""),
        ("..hidden", "no key"),
    ]);
    fs::create_dir(folder.path().join("..2026_11_29")).unwrap();
    let store = FolderStore::open(folder.path()).unwrap();
    for (key, name) in [(A, "User 1"), (B, "App 1"), (C, "App 1")] {
        assert_eq!(client(&store, key).as_deref(), Some(name));
    }
    assert_eq!((store.len(), store.profiles().len()), (3, 3));
    assert_eq!(store.warnings().len(), 0, "{:?}", store.warnings());
    assert_eq!(format!("{store:?}"), "FolderStore { keys: 3, clients: 3, warnings: [] }");
}

#[test]
fn key_is_the_same_in_a_folder_and_in_memory() {
    let keys =
        ["q/J+8rYt0Lz3+Kx/W1mVbA==", "schl\u{fc}ssel-mit-umlauten", "a key, with: all = of # it"];
    let folder = folder(&[("x", &keys.join("\n"))]);
    let store = FolderStore::open(folder.path()).unwrap();
    let memory = MemoryStore::from_keys(keys.map(|key| (key, "x"))).unwrap();
    assert_eq!(store.len(), memory.len());
    for key in keys {
        assert_eq!(client(&store, key).as_deref(), Some("x"), "{key}");
    }
}

#[test]
fn folder_without_files_holds_no_keys() {
    let folder = folder(&[]);
    let store = FolderStore::open(folder.path()).unwrap();
    assert!(store.is_empty());
    assert!(store.warnings()[0].to_string().contains("holds no keys"), "{:?}", store.warnings());
}

#[test]
fn faults_have_the_path_and_the_line() {
    let cases: [(&[(&str, &str)], &str); 7] = [
        (
            &[("a", A), ("b", &format!("{B}\n\nhunter2\n"))],
            "/b:3:1: the key is shorter than 16 characters",
        ),
        (
            &[("a", A), ("b", A)],
            "/b:1:1: this key, or one with its id, is also on line 1 of the file `a`",
        ),
        (
            &[("a", &format!("{A}\n{A}\n"))],
            "/a:2:1: this key, or one with its id, is also on line 1 of the file `a`",
        ),
        (&[("a", &format!(" {A}"))], "/a:1:1: the key begins or ends with a blank"),
        (&[("a", "k e y\tk e y\tk e y")], "/a:1:1: the key contains a control character"),
        (&[(" a", A)], "/ a: the name of the client begins or ends with a blank"),
        (
            &[("a", &format!("{A}\n{}", "k".repeat(600)))],
            "/a:2:1: the key is longer than 512 bytes",
        ),
    ];
    for (files, message) in cases {
        let folder = folder(files);
        let error = FolderStore::open(folder.path()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.starts_with(&format!("{}{message}", folder.path().display())), "{shown}");
        assert!(
            !shown.contains("hunter2") && !shown.contains(A) && !shown.contains("k e y"),
            "{shown}"
        );
    }
}

#[test]
fn anything_but_files_is_refused() {
    let with_folder = folder(&[("a", A)]);
    fs::create_dir(with_folder.path().join("sub")).unwrap();
    let error = FolderStore::open(with_folder.path()).unwrap_err().to_string();
    assert!(error.contains("/sub: this is not a regular file"), "{error}");
    let dangling = folder(&[("a", A)]);
    symlink("nowhere", dangling.path().join("b")).unwrap();
    let error = FolderStore::open(dangling.path()).unwrap_err().to_string();
    assert!(error.contains("/b: the file cannot be read"), "{error}");
    let missing = Path::new("no such folder");
    let error = FolderStore::open(missing).unwrap_err().to_string();
    assert!(error.starts_with("no such folder: the file cannot be read"), "{error}");
}

#[test]
fn files_are_followed() {
    let folder = folder(&[("a", A)]);
    let store = FolderStore::watch(folder.path(), |_| {}).unwrap();
    assert_eq!(client(&store, A).as_deref(), Some("a"));
    fs::write(folder.path().join("b"), B).unwrap();
    until("a new file", || client(&store, B).is_some());
    fs::write(folder.path().join("a"), C).unwrap();
    until("a changed file", || client(&store, C).is_some() && client(&store, A).is_none());
    fs::remove_file(folder.path().join("b")).unwrap();
    until("a removed file", || client(&store, B).is_none());
    assert_eq!(store.health().failing_since, None);
}

/// Makes a folder as Kubernetes mounts a secret, and switches its files.
struct Mounted {
    folder: TempDir,
    number: u32,
}

impl Mounted {
    fn new(files: &[(&str, &str)]) -> Self {
        let mut mounted = Self { folder: folder(&[]), number: 0 };
        mounted.switch(files);
        for (name, _) in files {
            symlink(format!("..data/{name}"), mounted.path().join(name)).unwrap();
        }
        mounted
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn switch(&mut self, files: &[(&str, &str)]) {
        self.number += 1;
        let version = format!("..2026_{}", self.number);
        fs::create_dir(self.path().join(&version)).unwrap();
        for (name, text) in files {
            fs::write(self.path().join(&version).join(name), text).unwrap();
        }
        symlink(&version, self.path().join("..data_tmp")).unwrap();
        fs::rename(self.path().join("..data_tmp"), self.path().join("..data")).unwrap();
    }
}

#[test]
fn switched_link_of_kubernetes_is_followed() {
    let mut mounted = Mounted::new(&[("a", A), ("b", B)]);
    let store = FolderStore::watch(mounted.path(), |_| {}).unwrap();
    assert_eq!(store.len(), 2);
    mounted.switch(&[("a", C), ("b", B)]);
    until("the new key", || client(&store, C).as_deref() == Some("a"));
    assert_eq!((client(&store, A), client(&store, B).as_deref()), (None, Some("b")));
}

#[test]
fn folder_with_a_fault_keeps_the_keys() {
    let folder = folder(&[("a", A)]);
    let (seen, on_event) = events();
    let store = FolderStore::watch(folder.path(), on_event).unwrap();
    fs::write(folder.path().join("b"), "hunter2").unwrap();
    until("the failure", || store.health().failing_since.is_some());
    fs::remove_file(folder.path().join("b")).unwrap();
    until("the end of the failure", || store.health().failing_since.is_none());
    // A folder that has lost all its keys may be one that is being written.
    fs::remove_file(folder.path().join("a")).unwrap();
    until("the other failure", || store.health().failing_since.is_some());
    assert_eq!(client(&store, A).as_deref(), Some("a"));
    store.reload().unwrap();
    assert!(store.is_empty());
    assert!(!seen.lock().unwrap().concat().contains("hunter2"));
}
