//! Other processes on the same file.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use keygate::store::SqliteStore;
use keygate::{KeyStore as _, ManageKeys as _};

use crate::fixture::{
    Folder, REVOKED, Response, UNKNOWN, cause, digest, id, new, request, sqlite3, store,
};
use crate::worker::{self, check_whole, generated};

#[tokio::test]
async fn change_by_another_process_is_seen_by_the_next_lookup() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    for _ in 0..10 {
        assert_eq!(request(&store, 'A').await, Response::Admitted);
        sqlite3(&path, "update keygate_keys set revoked = '2026-11-23T10:00:00Z';");
        assert_eq!(request(&store, 'A').await, REVOKED);
        sqlite3(&path, "update keygate_keys set revoked = null;");
    }
    sqlite3(&path, "delete from keygate_keys;");
    assert_eq!(request(&store, 'A').await, UNKNOWN);
}

#[test]
fn concurrent_processes_lose_no_change() {
    let folder = Folder::new();
    let path = folder.database();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store(&path, ""));
    let children: Vec<_> =
        (0..4).map(|_| worker::command("issue 50", &path).spawn().unwrap()).collect();
    let mut issued = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        issued.extend(worker::said(&output.stdout));
    }
    issued.sort();
    assert_eq!(issued.len(), 200);
    let keys = sqlite3(&path, "select key_id from keygate_keys order by key_id;");
    assert_eq!(keys.lines().collect::<Vec<_>>(), issued);
    check_whole(&path);
}

/// Another process adds 100,000 keys in one transaction: lookups continue, and wait only for the commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lookups_continue_while_many_keys_are_added() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    let sql = "begin immediate;
        insert into keygate_keys (digest, client)
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
        select randomblob(32), 'App 1' from n;
        commit;";
    let path = path.clone();
    let adding = tokio::task::spawn_blocking(move || {
        sqlite3(&path, &format!("pragma cache_spill = off; {sql}"))
    });
    let (mut lookups, mut longest) = (0_u32, Duration::ZERO);
    while !adding.is_finished() {
        let begun = Instant::now();
        let record = store.lookup(digest('A')).await;
        assert!(record.unwrap_or_else(|error| panic!("{}", cause(&error))).is_some());
        longest = longest.max(begun.elapsed());
        lookups += 1;
    }
    adding.await.unwrap();
    println!("{lookups} lookups, the longest of which took {longest:?}");
    assert!(lookups > 10);
    assert_eq!(store.list_keys(None).await.unwrap().len(), 100_001);
}

/// A process that holds a lock on a file until this is dropped.
pub(crate) struct Holder(std::process::Child);

impl Holder {
    pub(crate) fn new(path: &std::path::Path, begin: &str) -> Self {
        let mut command = Command::new("sqlite3");
        command.args(["-batch", "-init", "/dev/null"]).arg(path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{begin}; select 'held';").unwrap();
        stdin.flush().unwrap();
        let mut held = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut held).unwrap();
        child.stdin = Some(stdin);
        Self(child)
    }
}

impl Holder {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_waits_for_another_process_and_lookups_do_not() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    let holder = Holder::new(&path, "begin immediate");
    let changing = {
        let store = store.clone();
        tokio::spawn(async move { store.issue("App 1", new('B')).await })
    };
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(300) {
        assert_eq!(request(&store, 'A').await, Response::Admitted);
    }
    assert!(!changing.is_finished());
    drop(holder);
    changing.await.unwrap().unwrap();
    assert_eq!(request(&store, 'B').await, Response::Admitted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_file_is_an_outage_until_it_is_unlocked() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    let holder = Holder::new(&path, "begin exclusive");
    // More lookups than connections, all of them dropped.
    for _ in 0..6 {
        let lookup = store.lookup(digest('A'));
        assert!(tokio::time::timeout(Duration::from_millis(5), lookup).await.is_err());
    }
    let error = store.lookup(digest('Z')).await.unwrap_err();
    assert!(cause(&error).contains("database is locked"), "{}", cause(&error));
    drop(holder);
    assert_eq!(request(&store, 'A').await, Response::Admitted);
    store.revoke(&id('A')).await.unwrap();
    assert_eq!(request(&store, 'A').await, REVOKED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_changes_are_atomic_and_hold_no_lock() {
    let folder = Folder::new();
    let path = folder.database();
    let store = store(&path, "A").await;
    for micros in 0..200 {
        let issuing = store.issue("App 1", generated());
        let _ = tokio::time::timeout(Duration::from_micros(micros * 20), issuing).await;
        let listing = store.list_keys(None);
        let _ = tokio::time::timeout(Duration::from_micros(micros * 5), listing).await;
    }
    // No lock is left.
    sqlite3(&path, ".timeout 1000\nupdate keygate_clients set metadata = '{\"a\":\"b\"}';");
    assert_eq!(sqlite3(&path, "select count(*) from keygate_origin;"), "0");
    let counts = "select (select count(*) from keygate_keys) =
        (select count(*) from keygate_events where action = 'key.issued');";
    assert_eq!(sqlite3(&path, counts), "1");
    check_whole(&path);
}

#[test]
fn store_needs_no_runtime() {
    let folder = Folder::new();
    let wait = |future: std::pin::Pin<Box<dyn Future<Output = ()>>>| {
        let mut future = future;
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        while future.as_mut().poll(&mut context).is_pending() {
            std::thread::yield_now();
        }
    };
    let path = folder.database();
    wait(Box::pin(async move {
        let store = store(&path, "A").await;
        assert!(store.lookup(digest('A')).await.unwrap().is_some());
        drop(SqliteStore::open(&path).await.unwrap().lookup(digest('A')));
    }));
}
