//! File contents that a store refuses to load.

use std::time::{Duration, Instant};
use std::{fs, thread};

use keygate::YamlStore;
use keygate::store::ReloadError;

use crate::this_program;
use crate::watching::folder::{Folder, KEYS, admits, long, short, until, watch};

fn held(store: &YamlStore) -> ReloadError {
    until("the refusal", || store.health().error.is_some());
    store.health().error.unwrap()
}

#[test]
fn unparsable_file_keeps_the_old_keys_and_is_reported() {
    let folder = Folder::new();
    let store = watch(folder.write("keys.yml", &short(&[0]))).unwrap();
    folder.rename_over("keys.yml", &format!("{}  oops\n", short(&[0, 1])));
    let ReloadError::Invalid(error) = held(&store) else { panic!("{:?}", store.health()) };
    assert_eq!((error.line(), error.column()), (Some(4), Some(3)));
    assert_eq!(error.path(), Some(&*folder.path("keys.yml")));
    assert!(admits(&store, 0) && !admits(&store, 1));

    let since = store.health().failing_since;
    folder.rename_over("keys.yml", "api_keys: [");
    until("the other fault", || !store.health().error.unwrap().to_string().contains(":4:3:"));
    assert_eq!(store.health().failing_since, since, "the time is that of the first failure");

    folder.rename_over("keys.yml", &short(&[1]));
    until("the good file", || admits(&store, 1) && !admits(&store, 0));
    assert!(store.health().failing_since.is_none() && store.health().error.is_none());
}

#[test]
fn revoked_key_stays_refused_until_its_line_is_written() {
    let folder = Folder::new();
    let whole = long(0, "        revoked: 2026-11-01T12:00:00Z\n");
    let store = watch(folder.write("keys.yml", &whole)).unwrap();
    assert!(!admits(&store, 0));

    // The first part alone is a valid file, in which the key is live.
    fs::write(folder.path("keys.yml"), long(0, "")).unwrap();
    let error = held(&store);
    assert!(matches!(error, ReloadError::RevokedKey { .. }), "{error}");
    assert!(!admits(&store, 0));

    fs::write(folder.path("keys.yml"), &whole).unwrap();
    until("the whole file", || store.health().error.is_none());
    assert!(!admits(&store, 0));
}

#[test]
fn revoked_key_stays_refused_after_its_line_disappears() {
    let folder = Folder::new();
    let whole = long(0, "        revoked: 2026-11-01T12:00:00Z\n") + &short(&[1]);
    let store = watch(folder.write("keys.yml", &whole)).unwrap();
    folder.rename_over("keys.yml", &short(&[1, 2]));
    until("the file without it", || admits(&store, 2));
    folder.rename_over("keys.yml", &short(&[0, 1]));
    assert!(matches!(held(&store), ReloadError::RevokedKey { .. }));
    assert!(!admits(&store, 0) && admits(&store, 2));

    store.reload().unwrap();
    assert!(admits(&store, 0) && !admits(&store, 2));
    assert!(store.health().error.is_none());
    // After an explicit reload, it is not refused again.
    folder.rename_over("keys.yml", &short(&[0, 2]));
    until("the next change", || admits(&store, 2) && admits(&store, 0));
}

#[test]
fn file_without_keys_is_loaded_only_by_reload() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let store = watch(&path).unwrap();
    for text in
        ["", "# nothing yet\n", "api_keys:\n", &long(1, "        revoked: 2026-11-01T12:00:00Z\n")]
    {
        fs::write(&path, text).unwrap();
        until("the refusal", || matches!(store.health().error, Some(ReloadError::NoKeys)));
        assert!(admits(&store, 0), "{text}");
        fs::write(&path, short(&[0])).unwrap();
        until("the good file", || store.health().error.is_none());
    }
    fs::write(&path, "").unwrap();
    held(&store);
    store.reload().unwrap();
    assert!(store.is_empty() && store.health().error.is_none());
}

#[test]
fn last_client_can_be_removed_by_an_edit() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let store = watch(&path).unwrap();
    let other = YamlStore::open(&path).unwrap();
    other.disable_client("User 0").unwrap();
    other.remove_client("User 0").unwrap();
    until("the removal", || !admits(&store, 0) && store.client_count() == 0);
    assert!(store.health().error.is_none());
}

#[test]
fn revocation_applies_even_if_the_file_is_refused() {
    let folder = Folder::new();
    let revoked = "        revoked: 2026-11-01T12:00:00Z\n";
    let store = watch(folder.write("keys.yml", &(long(0, revoked) + &short(&[1, 2])))).unwrap();
    assert!(admits(&store, 1));
    // The first key would work again, so the file is not loaded.
    folder.rename_over("keys.yml", &(long(1, revoked) + &short(&[0, 2])));
    until("the revocation", || !admits(&store, 1));
    assert!(matches!(held(&store), ReloadError::RevokedKey { .. }));
    assert!(!admits(&store, 0) && admits(&store, 2));
}

#[test]
fn working_folder_does_not_change_the_file() {
    // A separate process, since all threads share the working folder.
    if !this_program::is_alone() {
        this_program::pass_alone(module_path!(), "working_folder_does_not_change_the_file");
        return;
    }
    let (folder, other) = (Folder::new(), Folder::new());
    folder.write("keys.yml", &short(&[0]));
    let theirs = other.write("keys.yml", &short(&[2]));
    std::env::set_current_dir(folder.path("")).unwrap();
    let store = watch("keys.yml").unwrap();
    std::env::set_current_dir(other.path("")).unwrap();
    folder.rename_over("keys.yml", &short(&[0, 1]));
    until("the change", || admits(&store, 1));
    store.add_client("New").unwrap();
    store.reload().unwrap();
    assert!(admits(&store, 1) && !admits(&store, 2));
    assert_eq!(fs::read_to_string(theirs).unwrap(), short(&[2]));
}

#[cfg(unix)]
#[test]
fn pipe_instead_of_the_file_does_not_block() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let store = watch(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let error = held(&store).to_string();
    assert!(error.contains("regular file"), "{error}");
    assert!(store.add_client("New").unwrap_err().to_string().contains("regular file"));
    assert!(watch(&path).unwrap_err().to_string().contains("regular file"));
    folder.rename_over("keys.yml", &short(&[1]));
    until("the good file", || admits(&store, 1));
}

#[cfg(target_os = "linux")]
#[test]
fn file_over_the_limit_is_refused_by_its_length() {
    let bytes_read = || {
        let account = fs::read_to_string("/proc/self/io").unwrap();
        let line = account.lines().find_map(|line| line.strip_prefix("rchar: "));
        line.unwrap().parse::<u64>().unwrap()
    };
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let store = watch(&path).unwrap();
    let before = bytes_read();
    fs::File::options().write(true).open(&path).unwrap().set_len((1 << 30) + 1).unwrap();
    let error = held(&store).to_string();
    assert!(error.contains("larger than 1 GiB"), "{error}");
    let error = store.add_client("New").unwrap_err().to_string();
    assert!(error.contains("larger than 1 GiB"), "{error}");
    // Includes the reads of concurrent tests.
    assert!(bytes_read() - before < 1 << 28);
    folder.rename_over("keys.yml", &short(&[1]));
    until("the good file", || admits(&store, 1));
}

#[test]
fn last_key_can_be_revoked() {
    let folder = Folder::new();
    let store = watch(folder.write("keys.yml", &short(&[0]))).unwrap();
    folder.rename_over("keys.yml", &long(0, "        revoked: 2026-11-01T12:00:00Z\n"));
    until("the revocation", || !admits(&store, 0));
    assert!(store.is_empty() && store.health().error.is_none());
}

#[test]
fn file_being_written_is_loaded_once_complete() {
    // If the writer is paused for the interval between two reads, the test proves nothing.
    let shown = (0..20).any(|_| is_loaded_when_complete());
    assert!(shown, "the machine was never quick enough");
}

/// Writes a file byte by byte, more slowly than any disk. Returns whether each write came before the interval between
/// two reads had passed.
fn is_loaded_when_complete() -> bool {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0, 1, 2]));
    let store = watch(&path).unwrap();
    let text = short(&[0, 1, 2]) + "clients:\n  New: {}\n";
    let writer = thread::spawn({
        let (path, text) = (path.clone(), text.clone());
        move || {
            let mut longest = Duration::ZERO;
            for end in 1..=text.len() {
                let start = Instant::now();
                fs::write(&path, &text[..end]).unwrap();
                thread::sleep(Duration::from_millis(3));
                longest = longest.max(start.elapsed());
            }
            longest
        }
    });
    let mut taken = false;
    while !writer.is_finished() {
        taken |= !(0..KEYS.len()).all(|place| admits(&store, place));
        thread::sleep(Duration::from_micros(200));
    }
    let in_time = writer.join().unwrap() < Duration::from_millis(20);
    assert!(!(in_time && taken), "a half-written file was taken");
    until("the whole file", || store.client_count() == 4);
    in_time
}

#[test]
fn reload_returns_the_error() {
    let store: YamlStore = short(&[0]).parse().unwrap();
    assert!(matches!(store.reload(), Err(ReloadError::NoFile)));
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let store = YamlStore::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(store.reload(), Err(ReloadError::Invalid(_))));
    assert!(admits(&store, 0) && store.health().failing_since.is_some());
}
