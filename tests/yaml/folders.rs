//! Keys in a folder with a file for each client.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use keygate::store::FolderStore;
use keygate::{Authenticator, KeyDigest, MemoryStore};
use tempfile::TempDir;

use crate::allocator::freed_with;
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
    let warning = store.warnings()[0].to_string();
    assert!(warning.ends_with("no file in the folder has a key, so every request is refused"));
}

#[test]
fn faults_have_the_path_and_the_line() {
    let cases: [(&[(&str, &str)], &str); 10] = [
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
        (&[("a", &format!("\"{A}\"\n"))], "/a:1:1: the key is in quotes"),
        (&[("a", &format!("'{A}'"))], "/a:1:1: the key is in quotes"),
        (&[("a", &format!("{A}\n# {B}"))], "/a:2:1: a key cannot begin with `#`"),
    ];
    for (files, message) in cases {
        let folder = folder(files);
        let error = FolderStore::open(folder.path()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.starts_with(&format!("{}{message}", folder.path().display())), "{shown}");
        assert!(["hunter2", A, B, "k e y"].iter().all(|key| !shown.contains(key)), "{shown}");
    }
}

#[test]
fn entries_that_are_not_files_are_refused() {
    let with_folder = folder(&[("a", A)]);
    fs::create_dir(with_folder.path().join("sub")).unwrap();
    let error = FolderStore::open(with_folder.path()).unwrap_err().to_string();
    assert!(error.contains("/sub: this is not a regular file, and each entry of the"), "{error}");
    let dangling = folder(&[("a", A)]);
    symlink("nowhere", dangling.path().join("b")).unwrap();
    let error = FolderStore::open(dangling.path()).unwrap_err().to_string();
    assert!(error.contains("/b: the file cannot be read"), "{error}");
    let folder = folder(&[("a", A)]);
    for (path, shown) in [
        (
            PathBuf::from("no such folder"),
            "no such folder: the folder cannot be read (No such file",
        ),
        (folder.path().join("a"), "/a: the folder cannot be read (Not a directory"),
    ] {
        let error = FolderStore::open(&path).unwrap_err();
        assert!(error.to_string().contains(shown), "{error}");
        assert_eq!((error.path(), error.line()), (Some(&*path), None));
    }
}

#[test]
fn name_that_looks_like_a_key_is_refused_and_not_shown() {
    let with_file = folder(&[(A, "User 1\n"), ("User 1", B)]);
    let with_folder = folder(&[]);
    fs::create_dir(with_folder.path().join(A)).unwrap();
    for folder in [with_file, with_folder] {
        let error = FolderStore::open(folder.path()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(A), "{error}");
        assert!(error.to_string().contains("name each file after its client"), "{error}");
        assert_eq!(error.path(), Some(folder.path()));
    }
}

#[test]
fn name_that_is_not_utf8_is_refused() {
    let folder = folder(&[]);
    fs::write(folder.path().join(OsStr::from_bytes(b"a\xff")), A).unwrap();
    let error = FolderStore::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("the name of this file is not UTF-8: rename it"), "{error}");
}

#[test]
fn contents_of_files_are_overwritten() {
    let folder = folder(&[("a", A), ("b", &format!("{B}\n{C}\n"))]);
    let with_a_fault = self::folder(&[("a", A), ("b", A)]);
    let found = freed_with(A.as_bytes(), || {
        drop(FolderStore::open(folder.path()).unwrap());
        drop(FolderStore::open(with_a_fault.path()).unwrap_err());
    });
    assert_eq!(found, 0, "a copy of the key is left");
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

#[test]
fn file_that_changes_after_a_long_time_is_read() {
    let folder = folder(&[("a", A)]);
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    let age = |path: &Path| File::open(path).unwrap().set_modified(an_hour_ago).unwrap();
    age(&folder.path().join("a"));
    age(folder.path());
    let store = FolderStore::watch(folder.path(), |_| {}).unwrap();
    // Long enough for several checks, after which the files are considered unchanged.
    thread::sleep(Duration::from_millis(700));
    // Changed in place, so that neither the folder nor the size of the file changes.
    fs::write(folder.path().join("a"), C).unwrap();
    age(&folder.path().join("a"));
    until("the new key", || client(&store, C).is_some());
}

/// Makes a folder like a secret mounted by Kubernetes, and switches its files.
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
fn store_keeps_its_keys_if_the_folder_is_invalid() {
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
