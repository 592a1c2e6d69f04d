//! Dropped futures of changes.

use std::fs::File;
use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use keygate::{ManageKeys, YamlStore};

use crate::editing::fixture::{Folder, new, open, read};

const FILE: &str = "clients:\n  App 1:\n";

#[test]
fn unpolled_change_is_not_made() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", FILE);
    let store = open(&path);
    drop(ManageKeys::issue(&store, "App 1", new('A')));
    // If the change were made, this one would come after it.
    store.add_client("App 2").unwrap();
    assert_eq!(read(&path), "clients:\n  App 1:\n  App 2:\n");
}

#[test]
fn started_change_completes_after_its_future_is_dropped() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", FILE);
    let store = open(&path);
    let lock = File::create(folder.path().join(".keys.yml.lock")).unwrap();
    lock.lock().unwrap();
    {
        let mut change = pin!(ManageKeys::issue(&store, "App 1", new('A')));
        let polled = change.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    assert_eq!(read(&path), FILE);
    lock.unlock().unwrap();
    // The thread of the change takes the lock sooner or later.
    while store.list_keys(None).unwrap().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(open(&path).list_keys(None).unwrap(), store.list_keys(None).unwrap());
}

struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn the_last_waker_is_woken() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", FILE);
    let store = YamlStore::open(&path).unwrap();
    let lock = File::create(folder.path().join(".keys.yml.lock")).unwrap();
    lock.lock().unwrap();
    let [first, last] = [0, 0].map(|zero| Arc::new(Counting(AtomicUsize::new(zero))));
    let mut change = pin!(ManageKeys::add_client(&store, "App 2".into()));
    for waker in [&first, &last] {
        let waker = Waker::from(Arc::clone(waker));
        assert!(change.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    lock.unlock().unwrap();
    while last.0.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(first.0.load(Ordering::SeqCst), 0);
    let polled = change.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Ok(_))));
}
