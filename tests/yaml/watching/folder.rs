use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use keygate::store::KeyFileEvent;
use keygate::{KeyDigest, YamlStore, verify};
use tempfile::{Builder, TempDir};

pub(crate) const KEYS: [&str; 3] = [
    "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU",
    "ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM",
    "Wg1vaDs8uqFbYtNDsJ8H3gKjl_oI0T_O6Jg8qNLWJcU",
];

/// Much longer than a change may take, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// A temporary folder, with a blank in its name.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Builder::new().prefix("watched ").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        Self(folder.expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Renames a new file over an old one, as most editors and deployments do.
    pub(crate) fn rename_over(&self, name: &str, text: &str) {
        let new = self.write("new", text);
        fs::rename(new, self.path(name)).unwrap();
    }
}

/// A file in the short form with these keys.
pub(crate) fn short(keys: &[usize]) -> String {
    let lines = keys.iter().map(|place| format!("  {}: User {place}\n", KEYS[*place]));
    format!("api_keys:\n{}", lines.collect::<String>())
}

/// A key of `clients:` as a digest, the last lines of the file.
pub(crate) fn long(place: usize, more: &str) -> String {
    let digest = KeyDigest::of(KEYS[place].as_bytes()).to_text();
    format!("clients:\n  User {place}:\n    keys:\n      - digest: {digest}\n{more}")
}

pub(crate) fn admits(store: &YamlStore, place: usize) -> bool {
    let header = [("x-api-key".parse().unwrap(), KEYS[place].parse().unwrap())];
    verify(store, &http::HeaderMap::from_iter(header)).is_ok()
}

/// Waits until a condition is true.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "{what} did not come to be so");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Follows a file, and ignores its events.
pub(crate) fn watch(path: impl AsRef<Path>) -> Result<YamlStore, keygate::store::KeyFileError> {
    YamlStore::watch(path, |_| {})
}

type Events = Arc<Mutex<Vec<String>>>;

/// Collects the texts of events.
pub(crate) fn events() -> (Events, impl Fn(KeyFileEvent) + Send + Sync + 'static) {
    let events = Events::default();
    let collected = Arc::clone(&events);
    (events, move |event| collected.lock().unwrap().push(event.to_string()))
}
