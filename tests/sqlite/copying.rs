//! Backups copied over a live file, which SQLite does not notice.

use std::fs;
use std::path::Path;
use std::process::Command;

use keygate::ManageKeys as _;
use keygate::store::SqliteStore;

use crate::fixture::{Folder, REVOKED, Response, UNKNOWN, id, new, request, sqlite3, store};

/// Copies into the existing file, as `cp` does.
fn cp(from: &Path, to: &Path, options: &[&str]) {
    assert!(Command::new("cp").args(options).arg(from).arg(to).status().unwrap().success());
}

/// SQLite's change counter, from the header of the file.
fn commits(path: &Path) -> u32 {
    u32::from_be_bytes(fs::read(path).unwrap()[24..28].try_into().unwrap())
}

/// Two files with the same length and change counter. The key A is revoked in the second.
async fn twins(folder: &Folder) -> [std::path::PathBuf; 2] {
    let [one, two] = ["one.db", "two.db"].map(|name| folder.path().join(name));
    drop(store(&one, "A").await);
    fs::copy(&one, &two).unwrap();
    sqlite3(&one, "update keygate_clients set metadata = '{\"a\": \"b\"}';");
    sqlite3(&two, "update keygate_keys set revoked = '2026-11-23T10:00:00Z';");
    assert_eq!(commits(&one), commits(&two));
    assert_eq!(fs::metadata(&one).unwrap().len(), fs::metadata(&two).unwrap().len());
    [one, two]
}

#[tokio::test]
async fn backup_copied_over_the_file_is_served_at_once() {
    for options in [&[][..], &["-p"]] {
        let folder = Folder::new();
        let [one, two] = twins(&folder).await;
        let path = folder.database();
        fs::copy(&one, &path).unwrap();
        let store = SqliteStore::options(&path).with_max_connections(1).open().await.unwrap();
        for _ in 0..3 {
            assert_eq!(request(&store, 'A').await, Response::Admitted);
            cp(&two, &path, options);
            assert_eq!(request(&store, 'A').await, REVOKED);
            cp(&one, &path, options);
        }
    }
}

#[tokio::test]
async fn change_after_a_copied_backup_is_in_the_backup() {
    let folder = Folder::new();
    let [one, two] = twins(&folder).await;
    let path = folder.database();
    fs::copy(&one, &path).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    // Caches pages of the first file in the connection for changes.
    store.issue("App 1", new('B')).await.unwrap();
    sqlite3(&two, "update keygate_clients set metadata = '{\"c\": \"d\"}';");
    assert_eq!(commits(&path), commits(&two));
    cp(&two, &path, &[]);
    store.issue("App 1", new('C')).await.unwrap();
    assert_eq!(sqlite3(&path, "pragma integrity_check; pragma foreign_key_check;"), "ok");
    let kept = "select count(*), count(revoked) from keygate_keys;
        select metadata from keygate_clients;";
    assert_eq!(sqlite3(&path, kept), "2|1\n{\"c\": \"d\"}");
    assert_eq!(request(&store, 'B').await, UNKNOWN);
    assert_eq!(request(&store, 'C').await, Response::Admitted);
    store.revoke(&id('C')).await.unwrap();
    assert_eq!(request(&store, 'C').await, REVOKED);
}
