//! An application's own file that changes.

use std::fs;

use keygate::YamlStore;

use super::{AFTER, BEFORE};
use crate::watching::folder::{Folder, admits, events, short, until};

#[test]
fn own_file_is_followed() {
    let folder = Folder::new();
    let text = |keys: &[usize]| format!("{BEFORE}{}{AFTER}", short(keys));
    let path = folder.write("config.yml", &text(&[0]));
    let store = YamlStore::options().embedded().watch(&path, |_| {}).unwrap();
    assert!(admits(&store, 0) && !admits(&store, 1));
    fs::write(&path, text(&[1])).unwrap();
    until("the change", || !admits(&store, 0) && admits(&store, 1));
    // Changing the application's part does not change the keys.
    fs::write(&path, format!("new: setting\n{}", text(&[1]))).unwrap();
    until("the new text", || store.health().failing_since.is_none());
    assert!(admits(&store, 1));
}

#[test]
fn store_keeps_its_keys_if_the_section_disappears() {
    let folder = Folder::new();
    let path = folder.write("config.yml", &format!("{BEFORE}{}", short(&[0])));
    let (seen, on_event) = events();
    let store = YamlStore::options().embedded().watch(&path, on_event).unwrap();
    for without in [BEFORE, AFTER] {
        fs::write(&path, without).unwrap();
        until("the failure", || {
            seen.lock().unwrap().iter().any(|event| event.contains("neither `api_key` nor"))
        });
        assert!(admits(&store, 0));
        assert!(store.health().failing_since.is_some());
    }
    fs::write(&path, short(&[0, 1])).unwrap();
    until("the new keys", || admits(&store, 1));
    assert_eq!(store.health().failing_since, None);
}

#[test]
fn misspelt_name_that_appears_later_is_reported() {
    let folder = Folder::new();
    let path = folder.write("config.yml", &format!("{BEFORE}{}", short(&[0])));
    let (seen, on_event) = events();
    let _store = YamlStore::options().embedded().watch(&path, on_event).unwrap();
    fs::write(&path, format!("{BEFORE}{}api_kesy: 1\n", short(&[0]))).unwrap();
    until("the warning", || {
        seen.lock().unwrap().iter().any(|event| event.contains("resembles `api_keys`"))
    });
}
