//! Files that replace the opened one.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keygate::ManageKeys as _;
use keygate::store::SqliteStore;

use crate::fixture::{Folder, REVOKED, Response, UNKNOWN, id, new, request, sqlite3, store};
use crate::processes::Holder;

fn is_outage(response: &Response, what: &str) -> bool {
    matches!(response, Response::Outage(cause) if cause.contains(what))
}

/// A store with the key A in a file, and a copy of that file.
async fn saved() -> (Folder, PathBuf, SqliteStore, PathBuf) {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    let saved = folder.path().join("saved.db");
    fs::copy(&path, &saved).unwrap();
    (folder, path, store, saved)
}

#[tokio::test]
async fn restored_file_is_noticed_by_the_next_lookup() {
    let (_folder, path, store, saved) = saved().await;
    store.revoke(&id('A')).await.unwrap();
    store.issue("App 1", new('B')).await.unwrap();
    assert_eq!(request(&store, 'A').await, REVOKED);
    fs::rename(&saved, &path).unwrap();
    assert_eq!(request(&store, 'A').await, Response::Admitted);
    assert_eq!(request(&store, 'B').await, UNKNOWN);
}

#[tokio::test]
async fn change_after_a_restore_is_in_the_restored_file() {
    let (_folder, path, store, saved) = saved().await;
    fs::rename(&saved, &path).unwrap();
    store.revoke(&id('A')).await.unwrap();
    let revoked = "select count(*) from keygate_keys where revoked is not null;";
    assert_eq!(sqlite3(&path, revoked), "1");
    assert_eq!(request(&store, 'A').await, REVOKED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_waiting_during_a_restore_is_in_the_new_file() {
    let (_folder, path, store, saved) = saved().await;
    let holder = Holder::new(&path, "begin immediate");
    let revoking = {
        let store = store.clone();
        tokio::spawn(async move { store.revoke(&id('A')).await })
    };
    // Usually long enough for the change to wait. The test is correct in either case.
    for _ in 0..200 {
        assert_eq!(request(&store, 'A').await, Response::Admitted);
    }
    fs::rename(&saved, &path).unwrap();
    drop(holder);
    revoking.await.unwrap().unwrap();
    assert_eq!(request(&store, 'A').await, REVOKED);
}

#[tokio::test]
async fn file_restored_in_place_is_served() {
    let (_folder, path, store, saved) = saved().await;
    store.revoke(&id('A')).await.unwrap();
    assert_eq!(request(&store, 'A').await, REVOKED);
    sqlite3(&path, &format!(".restore {}", saved.display()));
    assert_eq!(request(&store, 'A').await, Response::Admitted);
}

#[tokio::test]
async fn link_to_another_file_is_noticed() {
    let folder = Folder::new();
    let [one, two] = ["one.db", "two.db"].map(|name| folder.path().join(name));
    store(&one, "A").await;
    store(&two, "B").await;
    let path = folder.database();
    std::os::unix::fs::symlink(&one, &path).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(request(&store, 'A').await, Response::Admitted);
    let next = folder.path().join("next");
    std::os::unix::fs::symlink(&two, &next).unwrap();
    fs::rename(&next, &path).unwrap();
    assert_eq!(request(&store, 'A').await, UNKNOWN);
    assert_eq!(request(&store, 'B').await, Response::Admitted);
}

#[tokio::test]
async fn missing_file_is_an_outage_until_it_is_back() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    let away = folder.path().join("away.db");
    fs::rename(&path, &away).unwrap();
    for letter in ['A', 'Z'] {
        let response = request(&store, letter).await;
        assert!(is_outage(&response, "No such file"), "{response:?}");
    }
    assert!(store.revoke(&id('A')).await.is_err());
    assert!(store.list_keys(None).await.is_err());
    assert_eq!(folder.names(), ["away.db"], "nothing is made in its place");
    fs::rename(&away, &path).unwrap();
    assert_eq!(request(&store, 'A').await, Response::Admitted);
    assert_eq!(request(&store, 'Z').await, UNKNOWN);
}

#[tokio::test]
async fn file_without_tables_is_an_outage_until_migrated() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    let other = folder.path().join("other.db");
    fs::write(&other, "").unwrap();
    fs::rename(&other, &path).unwrap();
    for letter in ['A', 'Z'] {
        let response = request(&store, letter).await;
        assert!(is_outage(&response, "no tables of keygate"), "{response:?}");
    }
    assert!(store.add_client("App 2".into()).await.is_err());
    SqliteStore::migrate(&path).await.unwrap();
    assert_eq!(request(&store, 'A').await, UNKNOWN);
}

#[tokio::test]
async fn file_with_other_content_is_an_outage() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    let other = folder.path().join("other.db");
    fs::write(&other, "App 1: not a database, and longer than the head of one\n".repeat(9))
        .unwrap();
    fs::rename(&other, &path).unwrap();
    let response = request(&store, 'A').await;
    assert!(is_outage(&response, "file is not a database"), "{response:?}");
}

/// Swaps two files repeatedly under concurrent lookups, which see the current file after each swap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_lookups_are_never_stale() {
    let folder = Folder::new();
    let [one, two] = ["one.db", "two.db"].map(|name| folder.path().join(name));
    store(&one, "A").await;
    store(&two, "B").await;
    let path = folder.database();
    fs::copy(&one, &path).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    let is_done = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..8)
        .map(|_| {
            let (store, is_done) = (store.clone(), Arc::clone(&is_done));
            tokio::spawn(async move {
                while !is_done.load(Ordering::Relaxed) {
                    let response = request(&store, 'A').await;
                    assert!(response == Response::Admitted || response == UNKNOWN, "{response:?}");
                }
            })
        })
        .collect();
    for round in 0..100 {
        let (file, known, unknown) =
            if round % 2 == 0 { (&two, 'B', 'A') } else { (&one, 'A', 'B') };
        let next = folder.path().join("next");
        fs::copy(file, &next).unwrap();
        fs::rename(&next, &path).unwrap();
        let requests = (0..8).map(|_| {
            let store = store.clone();
            tokio::spawn(
                async move { (request(&store, known).await, request(&store, unknown).await) },
            )
        });
        for request in requests.collect::<Vec<_>>() {
            assert_eq!(request.await.unwrap(), (Response::Admitted, UNKNOWN), "round {round}");
        }
    }
    is_done.store(true, Ordering::Relaxed);
    for other in others {
        other.await.unwrap();
    }
}
