//! Files before and after a change, byte for byte.

mod adding;
mod changing;
mod changing_keys;
mod empty;
mod flow;
mod issuing;
mod moving;
mod names;
mod policy;
mod purging;
mod refused;
mod removing;
mod setting;

use std::fmt::Debug;

use keygate::YamlStore;
use keygate::manage::ManageError;

use crate::editing::fixture::{Folder, fill, open, read};

/// Makes a change to a file, and does so again with other line ends, with a byte order mark, and without
/// an end of the last line.
#[track_caller]
fn edited<T>(before: &str, change: impl Fn(&YamlStore) -> Result<T, ManageError>, after: &str) {
    let (before, after) = (fill(before), fill(after));
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let marked = |text: &str| format!("\u{feff}{text}");
    assert_eq!(made(&before, &change), after);
    if before.contains('\n') {
        assert_eq!(made(&crlf(&before), &change), crlf(&after), "with CRLF");
    }
    assert_eq!(made(&marked(&before), &change), marked(&after), "with a byte order mark");
    let cut = made(before.trim_end_matches('\n'), &change);
    let end = |text: &str| text.trim_end_matches('\n').to_owned();
    assert_eq!(end(&cut), end(&after), "without an end of the last line");
}

/// The file after a change; it must then load with the same clients and keys as the store.
#[track_caller]
fn made<T>(before: &str, change: &impl Fn(&YamlStore) -> Result<T, ManageError>) -> String {
    let folder = Folder::new();
    let path = folder.file("keys.yml", before);
    let store = open(&path);
    change(&store).unwrap_or_else(|error| panic!("{error}\n{before}"));
    let again = open(&path);
    assert_eq!(store.list_clients(), again.list_clients(), "{before}");
    assert_eq!(store.list_keys(None).unwrap(), again.list_keys(None).unwrap(), "{before}");
    read(&path)
}

/// Checks that a change is refused with this message, and leaves the file and the store as they were.
#[track_caller]
fn refused<T: Debug>(
    before: &str,
    change: impl Fn(&YamlStore) -> Result<T, ManageError>,
    message: &str,
) {
    let before = fill(before);
    let folder = Folder::new();
    let path = folder.file("keys.yml", &before);
    let store = open(&path);
    let error = change(&store).expect_err(&before);
    let said = error.to_string().replace(&format!("{}: ", path.display()), "");
    assert_eq!(said, fill(message), "{before}");
    assert_eq!(read(&path), before);
    let as_before = open(&path);
    assert_eq!(store.list_clients(), as_before.list_clients(), "{before}");
    assert_eq!(store.list_keys(None).unwrap(), as_before.list_keys(None).unwrap(), "{before}");
    assert_eq!(folder.names(), [".keys.yml.lock", "keys.yml"]);
}

/// The message for an edit of a line in flow style.
fn flow_style(line: usize) -> String {
    format!(
        "line {line} is in flow style (between brackets, as in JSON), which is read but not edited: `keygate export` writes the same clients and keys in block style, which can be edited; nothing was changed"
    )
}
