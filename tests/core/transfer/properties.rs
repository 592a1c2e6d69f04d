//! Exported content is the same after an import.

use std::time::{Duration, UNIX_EPOCH};

use keygate::client::Rate;
use keygate::manage::TransferKeys;
use keygate::{ClientProfile, KeyDigest, KeyId, MemoryStore, NewKey, Quota, Scope};
use proptest::prelude::*;
use tokio::runtime::Builder;

use crate::transfer::folder::Folder;

#[derive(Clone, Debug)]
struct Key {
    bytes: [u8; 32],
    client: usize,
    label: Option<String>,
    expires: Option<u64>,
    revoked: bool,
    rotated: bool,
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("'".to_owned()),
        Just("# x".to_owned()),
        Just("x\u{a0}e\u{301}".to_owned()),
        "[a-zA-Z0-9:#'\"é ]{1,12}".prop_map(|text| format!("x{text}y")),
    ]
}

fn rates() -> impl Strategy<Value = Rate> {
    (1..1000_u32, 0..4_usize, proptest::option::of(1..50_u32)).prop_map(|(count, unit, burst)| {
        let rate: Rate = format!("{count}/{}", ["second", "minute", "hour", "day"][unit])
            .parse()
            .expect("a rate");
        burst.map_or(rate, |burst| rate.with_burst(burst).expect("a burst"))
    })
}

fn profiles() -> impl Strategy<Value = (ClientProfile, bool)> {
    let quotas = prop_oneof![
        Just(None),
        Just(Some("unlimited".parse::<Quota>().unwrap())),
        proptest::collection::vec(rates(), 1..3).prop_map(|rates| Quota::all_of(rates).ok()),
    ];
    let scopes = proptest::collection::vec("[a-z]{1,3}(:\\*)?", 0..3);
    let metadata = proptest::collection::vec((names(), names()), 0..3);
    (names(), scopes, quotas, metadata, any::<bool>()).prop_map(
        |(name, scopes, quota, metadata, enabled)| {
            let scopes = scopes.iter().map(|scope| scope.parse::<Scope>().unwrap());
            let profile = ClientProfile::new(name).with_scopes(scopes).with_metadata(metadata);
            let profile = match quota {
                Some(quota) => profile.with_quota(quota),
                None => profile,
            };
            (profile, enabled)
        },
    )
}

fn keys() -> impl Strategy<Value = Key> {
    let times = proptest::option::of(2_000_000_000_000_000..253_402_300_800_000_000_u64);
    let label = proptest::option::of(names());
    (any::<[u8; 32]>(), 0..4_usize, label, times, any::<bool>(), any::<bool>()).prop_map(
        |(bytes, client, label, expires, revoked, rotated)| Key {
            bytes,
            client,
            label,
            expires,
            revoked,
            rotated,
        },
    )
}

fn filled(profiles: Vec<(ClientProfile, bool)>, keys: Vec<Key>) -> MemoryStore {
    let store = MemoryStore::new();
    let mut names = Vec::new();
    for (profile, enabled) in profiles {
        let name = profile.name().to_owned();
        if store.add_client(profile).is_ok() {
            if !enabled {
                store.disable_client(&name).unwrap();
            }
            names.push(name);
        }
    }
    for key in keys {
        let digest = KeyDigest::from_bytes(key.bytes);
        let expires = key.expires.map(|micros| UNIX_EPOCH + Duration::from_micros(micros));
        let mut new = NewKey::new(digest).with_expiry(expires);
        if let Some(label) = key.label {
            new = new.with_label(label);
        }
        let Ok(issued) = store.issue(&names[key.client % names.len()], new) else { continue };
        let id: KeyId = issued.key_id;
        if key.rotated {
            let successor = NewKey::new(KeyDigest::of(&key.bytes));
            let _ = store.rotate(&id, successor, Duration::from_secs(60));
        }
        if key.revoked {
            store.revoke(&id).unwrap();
        }
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn export_and_import_keep_everything(
        profiles in proptest::collection::vec(profiles(), 1..5),
        keys in proptest::collection::vec(keys(), 0..8),
    ) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = Folder::new();
            let first = filled(profiles, keys);
            let held = first.export_keys().await.unwrap();
            let file = folder.empty_file("keys.yml");
            for store in stores(&folder, &file).await {
                prop_assert!(store.import_keys(&held).await.unwrap().is_complete());
                prop_assert_eq!(&store.export_keys().await.unwrap(), &held);
                let again = store.import_keys(&held).await.unwrap();
                prop_assert!(again.is_complete());
                prop_assert_eq!((again.clients_added, again.keys_added), (0, 0));
            }
            let last = MemoryStore::new();
            last.import_keys(&file.export_keys().await.unwrap()).await.unwrap();
            prop_assert_eq!(last.export_keys().await.unwrap(), held);
            prop_assert_eq!(last.list_clients(), first.list_clients());
            Ok(())
        })?;
    }
}

#[allow(clippy::unused_async, unused_variables)] // Without the feature `sqlite`.
async fn stores(folder: &Folder, file: &keygate::YamlStore) -> Vec<Box<dyn TransferKeys>> {
    vec![
        Box::new(file.clone()),
        #[cfg(feature = "sqlite")]
        {
            keygate::store::SqliteStore::migrate(folder.path("keys.db")).await.unwrap();
            Box::new(keygate::store::SqliteStore::open(folder.path("keys.db")).await.unwrap())
        },
    ]
}
