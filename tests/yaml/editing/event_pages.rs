//! Pages of the log of changes.

use std::fs;
use std::io::Write as _;

use keygate::YamlStore;
use keygate::manage::{ChangeAction, ChangeEvent, EventQuery, ManageError};

use crate::editing::fixture::{Folder, open};

fn recorded(folder: &Folder) -> YamlStore {
    open(&folder.file("keys.yml", "version: 1\n")).record_events(folder.path()).unwrap()
}

fn log(folder: &Folder, lines: impl IntoIterator<Item = String>) {
    let mut log = fs::File::create(folder.path().join("events.jsonl")).unwrap();
    lines.into_iter().for_each(|line| log.write_all(line.as_bytes()).unwrap());
}

fn line(client: &str) -> String {
    format!(
        r#"{{"at":"2027-01-15T08:00:00Z","actor":null,"action":"client.added","client":"{client}","key_id":null,"before":null,"after":{{"name":"{client}"}}}}"#
    ) + "\n"
}

/// The clients of all pages, and the messages of unreadable lines.
fn all(store: &YamlStore, query: &EventQuery) -> (Vec<String>, Vec<String>) {
    let (mut clients, mut unreadable) = (Vec::new(), Vec::new());
    let mut query = query.clone();
    loop {
        let page = store.events(&query).unwrap();
        clients.extend(page.found.into_iter().filter_map(|event: ChangeEvent| event.client));
        unreadable.extend(page.unreadable);
        let Some(next) = page.next else { return (clients, unreadable) };
        query = query.after(next);
    }
}

#[test]
fn log_of_many_blocks_is_read_in_both_directions() {
    let folder = Folder::new();
    let store = recorded(&folder);
    // Lines of many lengths, one of them longer than a block.
    let name = |number: usize| {
        let length = if number == 700 { 100_000 } else { number * 7 % 501 };
        format!("{number} {}", "é".repeat(length))
    };
    let names: Vec<_> = (0..1_500).map(name).collect();
    log(&folder, names.iter().map(|name| line(name)));
    for limit in [7, 1_000] {
        let query = EventQuery::new().with_limit(limit);
        let (found, unreadable) = all(&store, &query.clone().oldest_first());
        assert!(found == names && unreadable.is_empty(), "{limit}");
        let (mut found, unreadable) = all(&store, &query);
        found.reverse();
        assert!(found == names && unreadable.is_empty(), "{limit}");
    }
    let query = EventQuery::new().with_client(&*names[3]).with_action(ChangeAction::ClientAdded);
    assert_eq!(all(&store, &query).0, [&*names[3]]);
}

#[test]
fn malformed_line_is_reported_and_others_are_read() {
    let folder = Folder::new();
    let store = recorded(&folder);
    let cut = "{\"at\":\"2027-01-15T0\n".to_owned();
    // The last line is still being written.
    let unfinished = line("App 3").trim_end().to_owned();
    log(&folder, [line("App 1"), cut, line("App 2"), unfinished]);
    for query in [EventQuery::new(), EventQuery::new().oldest_first()] {
        let (mut clients, unreadable) = all(&store, &query.with_limit(1));
        clients.sort();
        assert_eq!(clients, ["App 1", "App 2"]);
        let [message] = &unreadable[..] else { panic!("{unreadable:?}") };
        let position = line("App 1").len();
        let expected = format!("events.jsonl: the line at byte {position} is not an event");
        assert!(message.ends_with(&expected), "{message}");
    }
}

#[test]
fn file_without_a_log_refuses_to_list_events() {
    let folder = Folder::new();
    let store = open(&folder.file("keys.yml", "version: 1\n"));
    store.add_client("App 1").unwrap();
    let error = store.events(&EventQuery::new()).unwrap_err();
    assert!(matches!(error, ManageError::NoEvents { .. }), "{error}");
    assert!(error.to_string().contains("`YamlStore::record_events`"), "{error}");

    let store = store.record_events(folder.path()).unwrap();
    assert_eq!(all(&store, &EventQuery::new()).0, [""; 0]);
    fs::remove_file(folder.path().join("events.jsonl")).unwrap();
    let error = store.events(&EventQuery::new()).unwrap_err().to_string();
    assert!(error.contains("events.jsonl cannot be read"), "{error}");
}

#[test]
fn cursor_beyond_the_end_of_the_log_is_refused() {
    let folder = Folder::new();
    let store = recorded(&folder);
    log(&folder, ["App 1", "App 2", "App 3"].map(line));
    let query = EventQuery::new().with_limit(1);
    let next = store.events(&query).unwrap().next.unwrap();
    for lines in [vec![], vec![line("App 1")], vec![line("A"); 5]] {
        log(&folder, lines);
        for query in [query.clone(), query.clone().oldest_first()] {
            let error = store.events(&query.after(&*next)).unwrap_err();
            assert!(matches!(error, ManageError::InvalidCursor), "{error}");
        }
    }
}

#[test]
fn endless_line_is_an_error() {
    let folder = Folder::new();
    let store = recorded(&folder);
    log(&folder, [line("App 1"), "x".repeat(2 << 20), "\n".to_owned()]);
    for query in [EventQuery::new(), EventQuery::new().oldest_first()] {
        let error = store.events(&query).unwrap_err().to_string();
        assert!(error.contains("a line is longer than 1 MiB"), "{error}");
    }
}
