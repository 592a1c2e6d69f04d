//! The events that a closure gets.

use std::fs;

use keygate::YamlStore;
use keygate::store::KeyFileEvent;

use crate::watching::folder::{Folder, KEYS, admits, events, short, until};

#[test]
fn warnings_at_the_start_and_new_ones_are_events() {
    let folder = Folder::new();
    let weak = "allow_weak_keys: true\napi_key: hunter2\n";
    let path = folder.write("keys.yml", weak);
    let (reported, report) = events();
    let store = YamlStore::watch(&path, report).unwrap();
    let is_about = |event: &String, line: u32| {
        event.starts_with(&format!("warning: {}:{line}:", path.display()))
            && event.contains("shorter")
    };
    let count =
        |line| reported.lock().unwrap().iter().filter(|event| is_about(event, line)).count();
    assert_eq!(count(2), 1, "{reported:?}");
    folder.rename_over("keys.yml", &format!("{weak}api_keys:\n  hunter3: User 1\n"));
    until("the new warning", || count(4) == 1);
    assert_eq!((count(2), store.len()), (1, 2), "{reported:?}");
}

#[test]
fn changes_and_failures_are_events_without_keys() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let (reported, report) = events();
    let _store = YamlStore::watch(&path, report).unwrap();
    let begin = path.display().to_string();
    let is_reported = |begin: &str, end: &str| {
        let events = reported.lock().unwrap();
        events.iter().filter(|event| event.starts_with(begin) && event.ends_with(end)).count()
    };
    folder.rename_over("keys.yml", &short(&[0, 1]));
    let loaded = format!("{begin}: loaded again; keys: 2, clients: 2");
    until("the change", || is_reported(&loaded, "") == 1);

    folder.rename_over("keys.yml", &format!("api_keys:\n  {}\n", KEYS[2]));
    let failed = format!("{begin}: not followed since 2");
    until("the failure", || is_reported(&failed, "") == 1);
    let event = reported.lock().unwrap().last().unwrap().clone();
    assert!(event.contains(&format!(", changes have no effect: {begin}:2:3: ")), "{event}");

    folder.rename_over("keys.yml", &short(&[0, 1]));
    until("its end", || is_reported(&format!("{begin}: followed again"), "") == 1);
    assert_eq!(is_reported(&failed, ""), 1, "reported once in a minute");
    let all = reported.lock().unwrap().concat();
    assert!(KEYS.iter().all(|key| !all.contains(key)), "{all}");
}

#[test]
fn panic_of_the_closure_does_not_stop_the_follower() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let store = YamlStore::watch(&path, |event| {
        // As a closed standard error has `eprintln!` do.
        assert!(matches!(event, KeyFileEvent::Warning(_)), "in a test");
    });
    let store = store.unwrap();
    for keys in [&[0, 1][..], &[2], &[1]] {
        fs::write(&path, short(keys)).unwrap();
        until("the change", || admits(&store, keys[0]) && store.len() == keys.len());
    }
}
