//! All changes that a store can make, for tests that check that each of them fails.

use std::time::Duration;

use keygate::manage::{ManageError, TransferKeys};
use keygate::{KeyDigest, KeyId, KeyRecord, ManageKeys, MemoryStore, NewKey};

pub(crate) const ALL: [&str; 9] = [
    "import",
    "add",
    "enable",
    "issue",
    "rotate",
    "revoke",
    "disable",
    "remove",
    "remove without keys",
];

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
const OTHER_KEY: &str = "ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM";
const IMPORTED_KEY: &str = "Kp3xQm7Zr1Vt9Yw5Bn2Hc8Jd4Lf6Gs0Ta";

fn new_key(key: &str) -> NewKey {
    NewKey::new(KeyDigest::of(key.as_bytes()))
}

fn key_id() -> KeyId {
    KeyRecord::new(KeyDigest::of(KEY.as_bytes()), "").key_id()
}

/// Fills an empty store. `App 1` is enabled and has one key. `App 2` has one key and is disabled. `App 5` and `App 6`
/// are disabled.
pub(crate) async fn prepare(store: &impl ManageKeys) {
    for name in ["App 1", "App 2", "App 5", "App 6"] {
        store.add_client(name.into()).await.unwrap();
    }
    store.issue("App 1", new_key(KEY)).await.unwrap();
    store.issue("App 2", new_key(OTHER_KEY)).await.unwrap();
    for name in ["App 2", "App 5", "App 6"] {
        store.disable_client(name).await.unwrap();
    }
}

/// Makes the change with this name in a store that was [`prepare`]d.
pub(crate) async fn make<S: ManageKeys + TransferKeys>(
    store: &S,
    change: &str,
) -> Result<(), ManageError> {
    match change {
        "add" => store.add_client("App 3".into()).await.map(drop),
        "enable" => store.enable_client("App 5").await.map(drop),
        "disable" => store.disable_client("App 1").await.map(drop),
        "remove" => store.remove_client("App 2").await.map(drop),
        "remove without keys" => store.remove_client("App 6").await.map(drop),
        "issue" => store.issue("App 1", new_key(change)).await.map(drop),
        "revoke" => store.revoke(&key_id()).await.map(drop),
        "rotate" => store.rotate(&key_id(), new_key(change), Duration::ZERO).await.map(drop),
        "import" => {
            let other = MemoryStore::from_keys([(IMPORTED_KEY, "App 4")]).unwrap();
            store.import_keys(&other.export_keys().await?).await.map(drop)
        }
        _ => panic!("{change}"),
    }
}
