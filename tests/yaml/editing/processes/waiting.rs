//! Edits that wait for a lock.

use std::fs::File;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use keygate::store::KeyFileEvent;

use crate::editing::fixture::{Folder, open, read};

#[test]
fn edit_that_waits_for_a_second_is_an_event() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n");
    let lock = File::create(folder.path().join(".keys.yml.lock")).unwrap();
    lock.lock().unwrap();
    let (sender, events) = channel();
    let store = open(&path).with_events(move |event| sender.send(event).unwrap());
    assert!(matches!(events.recv().unwrap(), KeyFileEvent::Warning(_)), "there are no keys");
    thread::scope(|scope| {
        let edit = scope.spawn(|| store.add_client("A"));
        let KeyFileEvent::Waiting { lock: path, holder, .. } =
            events.recv_timeout(Duration::from_secs(25)).unwrap()
        else {
            panic!("another event")
        };
        assert!(path.ends_with(".keys.yml.lock"));
        if cfg!(target_os = "linux") {
            assert_eq!(holder, "this process");
        }
        lock.unlock().unwrap();
        edit.join().unwrap().unwrap();
    });
    assert_eq!(read(&path), "clients:\n  A:\n");
    assert!(events.try_recv().is_err(), "once");
}
