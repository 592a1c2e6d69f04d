//! Many processes and threads that change one file at once.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use keygate::{NewKey, YamlStore};

use super::worker;
use crate::editing::fixture::{Folder, open, read};

const FILE: &str = "# Head.\nclients:\n  App 1:   # c\n# Tail.\n";

#[test]
fn twenty_processes_lose_no_key() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", FILE);
    let children: Vec<_> =
        (0..20).map(|_| worker::command("issue 10", &path).spawn().unwrap()).collect();
    let mut reported = BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        reported.extend(worker::said(&output.stdout));
    }
    assert_eq!(reported.len(), 200);
    let keys = open(&path).list_keys(None).unwrap();
    let keys: BTreeSet<_> = keys.iter().map(|key| key.key_id.to_string()).collect();
    assert_eq!(keys, reported);
    let text = read(&path);
    assert!(text.starts_with("# Head.\nclients:\n  App 1:   # c\n    keys:\n"));
    assert!(text.ends_with("\n# Tail.\n"));
    assert_eq!(folder.names(), [".keys.yml.lock", "keys.yml"]);
}

/// Each thread has its own store or a clone, and uses the blocking or the asynchronous methods.
#[test]
fn threads_lose_no_key_through_either_api() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", FILE);
    let shared = YamlStore::open(&path).unwrap();
    let (shared, path, barrier) = (&shared, &path, &Barrier::new(12));
    let issued = thread::scope(|scope| {
        let threads = (0..12).map(|number| {
            scope.spawn(move || {
                let store = if number % 2 == 0 { shared.clone() } else { open(path) };
                barrier.wait();
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let issue = |_| {
                    let new = NewKey::from(&worker::generated());
                    if number % 3 == 0 {
                        runtime.block_on((&store as &dyn keygate::ManageKeys).issue("App 1", new))
                    } else {
                        store.issue("App 1", new)
                    }
                };
                (0..5).map(|turn| issue(turn).unwrap().key_id).collect::<Vec<_>>()
            })
        });
        let threads = threads.collect::<Vec<_>>();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<BTreeSet<_>>()
    });
    assert_eq!(issued.len(), 60);
    let reopened = open(path).list_keys(None).unwrap();
    assert_eq!(reopened.iter().map(|key| key.key_id).collect::<BTreeSet<_>>(), issued);
    // Each change includes the earlier changes of the others.
    shared.add_client("last").unwrap();
    assert_eq!(shared.list_keys(None).unwrap(), reopened);
}

#[tokio::test]
async fn task_that_waits_for_the_disk_does_not_block_others() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", FILE);
    let lock = std::fs::File::create(folder.path().join(".keys.yml.lock")).unwrap();
    lock.lock().unwrap();
    let store = YamlStore::open(&path).unwrap();
    // The runtime has one thread: a change that blocked it would wait for the lock forever.
    let unlocking = async { lock.unlock().unwrap() };
    let editing = keygate::ManageKeys::add_client(&store, "App 2".into());
    let (added, ()) = tokio::join!(editing, unlocking);
    assert_eq!(added.unwrap().profile.name(), "App 2");
}
