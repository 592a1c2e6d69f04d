//! A process killed at any time while it edits leaves the complete old file or the complete new one.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::worker;
use crate::delays::Delays;
use crate::editing::fixture::{Folder, digest, open, read};
use crate::killed::{Keys, check};

const DEFAULT_KILLS: usize = 100;

/// The number of processes that edit the same file, one after the other, before a new file is made.
const PER_FILE: usize = 25;

#[derive(Default)]
struct Seen {
    done: usize,
    ahead: usize,
    with_temporary: usize,
}

#[test]
fn killed_process_leaves_a_complete_file_and_no_lock() {
    let kills = std::env::var("KEYGATE_KILLS");
    let kills = kills.map_or(DEFAULT_KILLS, |kills| kills.parse().expect("a number"));
    let begun = Instant::now();
    let mut seen = Seen::default();
    let mut delays = Delays::new();
    let mut folder = Folder::new();
    for number in 0..kills {
        if number % PER_FILE == 0 {
            folder = Folder::new();
            folder.file("keys.yml", large());
        }
        kill_one(&folder, number, &mut delays, &mut seen);
    }
    let Seen { done, ahead, with_temporary } = seen;
    println!(
        "{kills} kills in {:.1} s: {done} changes reported, {ahead} made and not reported yet, \
         {with_temporary} temporaries left and removed",
        begun.elapsed().as_secs_f64()
    );
    // Three of four processes are only killed after their first change.
    assert!(done >= kills / 2, "the processes were killed before they did anything");
}

/// A file that takes a while to write.
fn large() -> String {
    let mut text = "# Head.\nclients:\n  App 1:   # c\n    keys:\n".to_owned();
    for number in 0..100_u32 {
        let digest = keygate::KeyDigest::of(&number.to_be_bytes()).to_text();
        let _ = writeln!(text, "      - digest: {digest}   # {number}\n        label: old");
    }
    text + "# Tail.\n"
}

fn keys(path: &Path) -> Keys {
    let keys = open(path).list_keys(None).unwrap();
    keys.into_iter().map(|key| (key.key_id.to_string(), key)).collect()
}

fn kill_one(folder: &Folder, number: usize, delays: &mut Delays, seen: &mut Seen) {
    let path = folder.path().join("keys.yml");
    let before = keys(&path);
    let mut child = worker::command("churn", &path).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut output = Vec::new();
    if !number.is_multiple_of(4) {
        while worker::said(&output).is_empty() {
            stdout.read_until(b'\n', &mut output).unwrap();
        }
    }
    // Long enough for several changes, or for the start of a process.
    thread::sleep(delays.next_up_to(Duration::from_millis(60)));
    child.kill().unwrap();
    child.wait().unwrap();
    stdout.read_to_end(&mut output).unwrap();
    let reported = worker::said(&output);

    let text = read(&path);
    assert!(text.starts_with("# Head.\n") && text.ends_with("# Tail.\n"), "{text}");
    let after = keys(&path);
    let made = check(&before, &after, &reported);
    assert!(
        (reported.len()..=reported.len() + 1).contains(&made),
        "{made} changes of {reported:?}"
    );
    seen.done += reported.len();
    seen.ahead += made - reported.len();

    let lock = File::options().write(true).open(folder.path().join(".keys.yml.lock"));
    // The first process may have been killed before it made the lock.
    if let Ok(lock) = lock {
        lock.try_lock().expect("the lock went with the process");
    } else {
        assert_eq!(made, 0);
    }
    let left = temporaries(folder);
    assert!(left <= 1, "{left} temporaries");
    seen.with_temporary += left;
    open(&path).add_client(format!("after {number}")).unwrap();
    assert_eq!(temporaries(folder), 0);
    assert_eq!(keys(&path), after);
}

fn temporaries(folder: &Folder) -> usize {
    let names = folder.names();
    let names = names.iter().map(|name| name.to_str().unwrap());
    names.filter(|name| name.ends_with(".keygate-tmp")).count()
}

#[test]
fn failure_to_remove_a_file_does_not_stop_an_edit() {
    let folder = Folder::new();
    let path = folder.file("keys.yml", "clients:\n  App 1:\n");
    // No killed process leaves a folder of this name.
    fs::create_dir(folder.path().join(".keys.yml.7.keygate-tmp")).unwrap();
    open(&path).issue("App 1", keygate::NewKey::new(digest('A'))).unwrap();
    assert_eq!(temporaries(&folder), 1);
}
