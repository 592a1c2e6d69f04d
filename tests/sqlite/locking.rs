//! Long locks by other processes.

use std::time::{Duration, Instant};

use keygate::ManageKeys as _;
use keygate::store::SqliteStore;

use crate::fixture::{Folder, REVOKED, Response, cause, id, request, sqlite3, store};
use crate::processes::Holder;

const LONG_READ: &str = "begin; select count(*) from keygate_keys";

fn unavailable(error: keygate::manage::ManageError) -> String {
    match error {
        keygate::manage::ManageError::Unavailable(error) => cause(&error),
        error => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lookups_continue_while_a_change_waits_for_a_read() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "AB").await;
    let holder = Holder::new(&path, LONG_READ);
    let revoking = {
        let store = store.clone();
        tokio::spawn(async move { store.revoke(&id('B')).await })
    };
    let (mut longest, mut lookups) = (Duration::ZERO, 0_u32);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(2) {
        let started = Instant::now();
        assert_eq!(request(&store, 'A').await, Response::Admitted);
        (longest, lookups) = (longest.max(started.elapsed()), lookups + 1);
    }
    println!("{lookups} lookups, the longest of which took {longest:?}");
    assert!(!revoking.is_finished());
    drop(holder);
    revoking.await.unwrap().unwrap();
    assert_eq!(request(&store, 'B').await, REVOKED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocked_change_names_the_reader() {
    for begin in [LONG_READ, "begin immediate"] {
        let folder = Folder::new();
        let path = folder.database();
        let store = store(&path, "A").await;
        let holder = Holder::new(&path, begin);
        let started = Instant::now();
        let error = unavailable(store.revoke(&id('A')).await.unwrap_err());
        assert!(started.elapsed() >= Duration::from_secs(4), "{:?}", started.elapsed());
        let expected = format!(
            "{}: database is locked (SQLite's code 5): process {} (sqlite3) must end its \
             transaction first",
            path.display(),
            holder.id()
        );
        assert_eq!(error, expected);
        // Nothing was changed, and no lock is left.
        assert_eq!(request(&store, 'A').await, Response::Admitted);
        drop(holder);
        assert_eq!(sqlite3(&path, "select count(revoked) from keygate_keys;"), "0");
        store.revoke(&id('A')).await.unwrap();
        assert_eq!(request(&store, 'A').await, REVOKED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocked_lookup_names_the_writer() {
    use keygate::KeyStore as _;

    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    for mode in ["delete", "wal"] {
        sqlite3(&path, &format!("pragma journal_mode = {mode};"));
        let exclusive =
            "pragma locking_mode = exclusive; begin exclusive; delete from keygate_origin";
        let holder = Holder::new(&path, exclusive);
        let error = cause(&store.lookup(crate::fixture::digest('A')).await.unwrap_err());
        let expected = format!("process {} (sqlite3) must end", holder.id());
        assert!(error.contains(&expected), "{mode}: {error}");
        drop(holder);
        assert_eq!(request(&store, 'A').await, Response::Admitted, "{mode}");
    }
}

/// In WAL mode, readers block no one, but writers still wait for each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn write_ahead_log_allows_changes_during_a_long_read() {
    let folder = Folder::new();
    let path = folder.database();
    drop(store(&path, "A").await);
    sqlite3(&path, "pragma journal_mode = wal;");
    let store = SqliteStore::open(&path).await.unwrap();
    let _holder = Holder::new(&path, LONG_READ);
    store.revoke(&id('A')).await.unwrap();
    assert_eq!(request(&store, 'A').await, REVOKED);
    let writer = Holder::new(&path, "begin immediate");
    let error = unavailable(store.disable_client("App 1").await.unwrap_err());
    assert!(error.contains(&format!("process {} (sqlite3)", writer.id())), "{error}");
}
