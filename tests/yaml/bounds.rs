//! Files that try to exhaust the loader: time and memory stay proportional to their size.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use keygate::YamlStore;

use crate::allocator::allocated;

/// The length of most files. An algorithm with quadratic time would take hours.
const LENGTH: usize = 300_000;

/// Shorter texts count as this long, since some buffers have a minimum size.
const SMALL: usize = 64 * 1024;

/// A hundred times the time that these files take without optimization.
const DEADLINE: Duration = Duration::from_secs(30);

/// Loads a text within the deadline; returns the message, and the bytes of memory per byte of text.
#[track_caller]
fn load(text: String) -> (Result<usize, String>, usize) {
    let (sender, receiver) = channel();
    let shown: String = text.chars().take(40).collect();
    thread::spawn(move || {
        let (allocated, loaded) = allocated(|| YamlStore::from_reader(text.as_bytes()));
        let bytes = allocated.peak.cast_unsigned();
        let loaded = loaded.map(|store| store.len()).map_err(|error| error.to_string());
        sender.send((loaded, bytes / text.len().max(SMALL)))
    });
    let response = receiver.recv_timeout(DEADLINE);
    response.unwrap_or_else(|error| panic!("{error} after {DEADLINE:?}: {shown:?}"))
}

/// Checks that a text is refused in time, with little more memory than it takes to read it.
#[track_caller]
fn refused(text: String) {
    let shown: String = text.chars().take(40).collect();
    let (loaded, factor) = load(text);
    assert!(loaded.is_err(), "{shown:?} was taken");
    assert!(factor <= 4, "{shown:?} took {factor} times its length");
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect::<Vec<_>>().concat()
}

fn long(piece: &str) -> String {
    piece.repeat(LENGTH / piece.len())
}

#[test]
fn nesting_does_not_exhaust_the_loader() {
    for piece in ["[", "{", "[[]", "{a: ", "- ", "? ", ": ", "?,", "[a, "] {
        refused(long(piece));
        refused(format!("api_keys: {}", long(piece)));
        refused(format!("api_keys:\n  {}", long(piece)));
    }
    let stairs = |line: &str| -> String {
        let lines = (0..1400).map(|depth| " ".repeat(depth) + line);
        lines.collect::<Vec<_>>().join("\n")
    };
    for line in ["api_keys:", "? ", "- ", "?", "-"] {
        refused(stairs(line));
        refused(format!("api_keys:\n{}", stairs(line).replace('\n', "\n ")));
    }
}

#[test]
fn aliases_are_not_expanded() {
    let laughs = "api_keys:\n  a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned()
        + &('b'..='z').map(alias_line).collect::<String>();
    refused(laughs);
    let aliases = lines(40_000, |number| format!("  key-{number:012}: *a\n"));
    refused(format!("api_keys:\n  key: &a {}\n{aliases}", "x".repeat(100_000)));
    refused(format!("a: &a {}\napi_keys:\n{aliases}", "x".repeat(100_000)));
    for piece in ["&a ", "*a ", "!a ", "&a\n", "*a: "] {
        refused(long(piece));
        refused(format!("api_keys:\n  {}", long(piece)));
    }
    for begin in ["&", "*", "!", "!<", "!!", "%"] {
        refused(format!("api_keys:\n  {begin}{} : x\n", long("a")));
    }
}

/// Each line refers to the previous one nine times.
fn alias_line(name: char) -> String {
    let before = char::from(name as u8 - 1);
    format!("  {name}: &{name} [*{before}, *{before}, *{before}, *{before}]\n")
}

#[test]
fn long_texts_do_not_exhaust_the_loader() {
    for text in ["k", "k ", "k\n   ", "k\n\n   ", "\\n", "\\\n", "é", "''", " "] {
        for begin in ["'", "\"", "? '", "api_key: '", "api_key: \"", "api_keys:\n  ? "] {
            refused(format!("{begin}{}", long(text)));
        }
        for (begin, end) in [("? ", "\n: x"), ("", ": x"), ("api_key: ", ""), ("api_keys: ", "")] {
            refused(format!("{begin}k{}k{end}", long(text)));
        }
        refused(format!("api_keys:\n  key-0123456789-0123456789: k{}k", long(text)));
        refused(format!("api_key: |\n  k{}\n", long(&text.replace('\n', "\n  "))));
        refused(format!("api_key: >\n  k{}\n", long(&text.replace('\n', "\n  "))));
    }
}

#[test]
fn long_blank_texts_do_not_exhaust_it() {
    for nothing in ["\n", "\r", " ", "\t", "#\n", "#", "\u{feff}", "...\n", "# remark\r\n"] {
        let (loaded, factor) = load(long(nothing));
        assert!(loaded.is_ok_and(|keys| keys == 0) && factor <= 3, "{nothing:?}: {factor}");
        refused(format!("{}\nx", long(nothing)));
    }
    refused(long("---\n"));
}

#[test]
fn many_keys_take_memory_in_proportion() {
    let lines = |count| lines(count, |number| format!("  number-{number:033}: User 1\n"));
    let (loaded, factor) = load(format!("api_keys:\n{}", lines(20_000)));
    assert!(loaded == Ok(20_000) && factor <= 8, "{loaded:?}: {factor}");
    refused_as_second_key(format!("api_keys:\n{0}{0}", lines(10_000)));
    refused_as_second_key(format!(
        "api_keys:\n{}",
        "  key-0123456789-0123456789: x\n".repeat(30_000)
    ));
}

#[track_caller]
fn refused_as_second_key(text: String) {
    let (loaded, factor) = load(text);
    let message = loaded.unwrap_err();
    assert!(message.contains("already in the file"), "{message}");
    assert!(factor <= 8, "{factor}");
}
