//! Changing a key file, against [`Model`](crate::model::Model).
//!
//! The text of the file, a NUL byte, and two bytes for each change: the action, and its client or key.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use keygate::manage::{ClientInfo, KeyInfo, ManageError};
use keygate::{KeyDigest, NewKey, YamlStore};
use tempfile::TempDir;

use crate::model::{Change, Model};

const MOST_CHANGES: usize = 6;
const NAMES: [&str; 6] = ["App 1", "default", "a: b #c", "it's \"so\"", "Gr\u{f6}\u{df}e", "null"];
const LABELS: [&str; 4] = ["production", "two: #2", "~", "'"];

/// Applies changes to the file that `data` holds.
///
/// # Panics
///
/// A change is refused that the model makes or the reverse, a refused change touches the file, or the file does
/// not load as what the model holds.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let changes = parts.next().unwrap_or(&[0, 0, 3, 0, 2, 0, 5, 0, 4, 0, 6, 1]);
    let file = File::new();
    file.write(text);
    let Ok(store) = YamlStore::open(&file.path) else { return };
    let mut model = Model::new(store.list_clients(), list_keys(&store));
    for (number, change) in changes.chunks_exact(2).take(MOST_CHANGES).enumerate() {
        // A day with each change, so that keys expire on the way.
        let now = time(u64::try_from(number).unwrap() * 86_400);
        let store = store.clone().with_clock(move || now);
        let Some(change) = change_of(change, number, &model) else { continue };
        let before = file.read();
        let expected = model.apply(&change, now);
        let done = make(&store, &change, now);
        match (&done, expected) {
            (Ok(()), Ok(changed)) => model = changed,
            (Err(error), expected) => {
                assert_eq!(
                    file.read(),
                    before,
                    "{change:?} was refused and touched the file: {error}"
                );
                // What the layout of the file forbids, the model does not know.
                let by_layout = matches!(error, ManageError::NotEditable { .. });
                assert!(
                    by_layout || expected.is_err(),
                    "{change:?} was refused: {error}\n{before}"
                );
            }
            (Ok(()), Err(rule)) => panic!("{change:?} was made, but {rule}\n{before}"),
        }
        model
            .assert_is(store.list_clients(), list_keys(&store), || format!("{change:?}\n{before}"));
        let loaded = YamlStore::open(&file.path).unwrap_or_else(|error| {
            panic!("after {change:?}, {error}\n{before}\n---\n{}", file.read())
        });
        model.assert_is(loaded.list_clients(), list_keys(&loaded), || {
            format!("{change:?}\n{before}\n---\n{}", file.read())
        });
    }
}

fn list_keys(store: &YamlStore) -> Vec<KeyInfo> {
    store.list_keys(None).expect("all keys can be listed")
}

/// In the year 2026, behind most times of the corpus and before others.
fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 + seconds)
}

fn digest_of(number: usize) -> KeyDigest {
    KeyDigest::of(format!("new key {number}").as_bytes())
}

fn change_of(bytes: &[u8], number: usize, model: &Model) -> Option<Change> {
    let argument = usize::from(bytes[1]);
    let client = |clients: &[ClientInfo]| {
        let client = clients.get(argument % clients.len().max(1))?;
        Some(client.profile.name().to_owned())
    };
    let key = |keys: &[KeyInfo]| keys.get(argument % keys.len().max(1)).map(|key| key.key_id);
    let label = (argument % 3 == 0).then(|| LABELS[argument % LABELS.len()]);
    Some(match bytes[0] % 8 {
        0 => Change::Add(NAMES[argument % NAMES.len()].to_owned()),
        1 => Change::Enable(client(&model.clients)?),
        2 => Change::Disable(client(&model.clients)?),
        3 => Change::Issue { client: client(&model.clients)?, digest: digest_of(number), label },
        4 => Change::Revoke(key(&model.keys)?),
        5 => Change::Rotate { old: key(&model.keys)?, digest: digest_of(number), label },
        6 => Change::Remove(client(&model.clients)?),
        _ => Change::Hash,
    })
}

/// The fields of every new key, apart from its digest.
fn new_key(digest: KeyDigest, label: Option<&str>, now: SystemTime) -> NewKey {
    let key = NewKey::new(digest).with_expiry(now + crate::model::LIFETIME);
    label.into_iter().fold(key, NewKey::with_label)
}

fn make(store: &YamlStore, change: &Change, now: SystemTime) -> Result<(), ManageError> {
    match change {
        Change::Add(name) => store.add_client(&**name).map(drop),
        Change::Enable(name) => store.enable_client(name).map(drop),
        Change::Disable(name) => store.disable_client(name).map(drop),
        Change::Remove(name) => store.remove_client(name).map(drop),
        Change::Issue { client, digest, label } => {
            store.issue(client, new_key(*digest, *label, now)).map(drop)
        }
        Change::Revoke(key) => store.revoke(key).map(drop),
        Change::Rotate { old, digest, label } => {
            store.rotate(old, new_key(*digest, *label, now), crate::model::GRACE).map(drop)
        }
        Change::Hash => store.hash_keys().map(drop),
    }
}

/// A temporary key file, in memory where there is such a folder: the editor waits for the disk.
struct File {
    _folder: TempDir,
    path: PathBuf,
}

impl File {
    fn new() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() { memory } else { env::temp_dir() };
        let folder = tempfile::tempdir_in(parent).expect("a folder for the file");
        Self { path: folder.path().join("keys.yml"), _folder: folder }
    }

    fn write(&self, text: &[u8]) {
        fs::write(&self.path, text).expect("the file can be written");
    }

    fn read(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.path).expect("the file can be read")).into_owned()
    }
}
