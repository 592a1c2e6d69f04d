//! Changes a key file, and compares it with the same changes of a [`MemoryStore`].
//!
//! The text of the file, a NUL byte, and two bytes for each change: the action, and its client or key.

use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use keygate::manage::{KeyInfo, ManageError, TransferKeys as _};
use keygate::store::YamlOptions;
use keygate::{KeyDigest, KeyId, MemoryStore, NewKey, YamlStore};
use tempfile::TempDir;

/// The grace period of a rotation.
const GRACE: Duration = Duration::from_secs(36 * 3_600);
/// The lifetime of a new key.
const LIFETIME: Duration = Duration::from_secs(60 * 3_600);
const MOST_CHANGES: usize = 6;
const NAMES: [&str; 6] = ["App 1", "default", "a: b #c", "it's \"so\"", "Gr\u{f6}\u{df}e", "null"];
const LABELS: [&str; 4] = ["production", "two: #2", "~", "'"];

#[derive(Clone, Debug)]
enum Change {
    Add(String),
    Enable(String),
    Disable(String),
    Remove(String),
    Issue { client: String, digest: KeyDigest, label: Option<&'static str> },
    Revoke(KeyId),
    Rotate { old: KeyId, digest: KeyDigest, label: Option<&'static str> },
    Hash,
}

/// Makes a change with the blocking methods of a store. Keys in memory are digests already.
macro_rules! make {
    ($store:expr, $change:expr, $now:expr) => {
        match $change {
            Change::Add(name) => $store.add_client(&**name).map(drop),
            Change::Enable(name) => $store.enable_client(name).map(drop),
            Change::Disable(name) => $store.disable_client(name).map(drop),
            Change::Remove(name) => $store.remove_client(name).map(drop),
            Change::Issue { client, digest, label } => {
                $store.issue(client, new_key(*digest, *label, $now)).map(drop)
            }
            Change::Revoke(key) => $store.revoke(key).map(drop),
            Change::Rotate { old, digest, label } => {
                $store.rotate(old, new_key(*digest, *label, $now), GRACE).map(drop)
            }
            Change::Hash => Ok(()),
        }
    };
}

/// Applies the changes in `data` to the file in it.
///
/// # Panics
///
/// The file and the model disagree whether a change is refused, a refused change touches the file, or the file does not
/// load with the keys of the model.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let changes = parts.next().unwrap_or(&[0, 0, 3, 0, 2, 0, 5, 0, 4, 0, 6, 1]);
    change(text, changes, &YamlStore::options(), ["", ""]);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let section: String = text.split_inclusive('\n').map(|line| format!("  {line}")).collect();
    let own = format!("{BEFORE}keygate:\n{section}\n{AFTER}");
    change(own.as_bytes(), changes, &YamlStore::options().embedded(), [BEFORE, AFTER]);
}

/// The application's part of a file, which keygate does not change.
const BEFORE: &str = "# An application.\nversion: \"2.1\"\nbase: &b {x: !t [1, *b]}\n<<: *b\n";
const AFTER: &str = "text: |\n  a: &b\n   c\n? [x]\n: *b\n";

/// Applies changes to a file with a part that must stay.
fn change(text: &[u8], changes: &[u8], options: &YamlOptions, [first, last]: [&str; 2]) {
    let file = File::new();
    file.write(text);
    let Ok(store) = options.open(&file.path) else { return };
    let model = MemoryStore::new();
    let export = ready(store.export_keys()).expect("a key file can be exported");
    ready(model.import_keys(&export)).expect("an empty store takes all keys");
    for (number, change) in changes.chunks_exact(2).take(MOST_CHANGES).enumerate() {
        // The clock advances by a day with each change, so that keys expire meanwhile.
        let now = time(u64::try_from(number).unwrap() * 86_400);
        let (store, model) =
            (store.clone().with_clock(move || now), model.clone().with_clock(move || now));
        let Some(change) = change_of(change, number, &model) else { continue };
        let before = file.read();
        // The model does not know what the layout of the file forbids.
        let made = match &change {
            Change::Hash => store.hash_keys().map(drop),
            change => make!(&store, change, now),
        };
        let made = made.map(|()| make!(&model, &change, now));
        match made {
            Ok(Ok(())) => {}
            Ok(Err(rule)) => panic!("{change:?} was made, but {rule}\n{before}"),
            Err(error) => {
                let after = file.read();
                assert_eq!(after, before, "{change:?} was refused, and touched the file: {error}");
                let is_right = matches!(error, ManageError::NotEditable { .. })
                    || make!(&model, &change, now).is_err();
                assert!(is_right, "{change:?} was refused: {error}\n{before}");
            }
        }
        let now = file.read();
        assert!(
            now.starts_with(first) && now.ends_with(last),
            "{change:?} touched the rest: {now}"
        );
        let after = || format!("after {change:?}\n{before}\n---\n{}", file.read());
        let loaded = options.open(&file.path);
        let loaded = loaded.unwrap_or_else(|error| panic!("{error} {}", after()));
        for store in [&store, &loaded] {
            assert_eq!(store.list_clients(), model.list_clients(), "{}", after());
            assert_eq!(list_keys(store), model.list_keys(None).expect("keys"), "{}", after());
        }
    }
}

/// The output of a future that is ready.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("memory does not wait"),
    }
}

fn list_keys(store: &YamlStore) -> Vec<KeyInfo> {
    store.list_keys(None).expect("all keys can be listed")
}

/// A time in the year 2026, after most times of the corpus and before others.
fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 + seconds)
}

fn digest_of(number: usize) -> KeyDigest {
    KeyDigest::of(format!("new key {number}").as_bytes())
}

fn change_of(bytes: &[u8], number: usize, model: &MemoryStore) -> Option<Change> {
    let argument = usize::from(bytes[1]);
    let client = || {
        let clients = model.profiles();
        Some(clients.get(argument % clients.len().max(1))?.name().to_owned())
    };
    let key = || {
        let keys = model.list_keys(None).ok()?;
        Some(keys.get(argument % keys.len().max(1))?.key_id)
    };
    let label = (argument % 3 == 0).then(|| LABELS[argument % LABELS.len()]);
    Some(match bytes[0] % 8 {
        0 => Change::Add(NAMES[argument % NAMES.len()].to_owned()),
        1 => Change::Enable(client()?),
        2 => Change::Disable(client()?),
        3 => Change::Issue { client: client()?, digest: digest_of(number), label },
        4 => Change::Revoke(key()?),
        5 => Change::Rotate { old: key()?, digest: digest_of(number), label },
        6 => Change::Remove(client()?),
        _ => Change::Hash,
    })
}

/// The fields of every new key, apart from its digest.
fn new_key(digest: KeyDigest, label: Option<&str>, now: SystemTime) -> NewKey {
    let key = NewKey::new(digest).with_expiry(now + LIFETIME);
    label.into_iter().fold(key, NewKey::with_label)
}

/// A temporary key file, in memory if possible, since edits wait for the disk.
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
