//! Exported content is the same after an import.

use std::time::{Duration, UNIX_EPOCH};

use keygate::client::{Network, Rate};
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
    begins: Option<u64>,
    expires: Option<u64>,
    /// Whether the key is narrowed to the first scope of its client.
    is_narrowed: bool,
    networks: Vec<Network>,
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
    let begins = proptest::option::of(1_000_000_000_000_000..2_000_000_000_000_000_u64);
    let expires = proptest::option::of(2_000_000_000_000_000..253_402_300_800_000_000_u64);
    let networks = ["10.1.0.0/16", "192.0.2.7", "2001:db8::/32"].map(|it| it.parse().unwrap());
    let restrictions = (any::<bool>(), proptest::sample::subsequence(networks.to_vec(), 0..=2));
    let of_client = (0..4_usize, proptest::option::of(names()));
    let ended = (any::<bool>(), any::<bool>());
    (any::<[u8; 32]>(), of_client, (begins, expires), restrictions, ended).prop_map(
        |(bytes, (client, label), (begins, expires), (is_narrowed, networks), ended)| Key {
            bytes,
            client,
            label,
            begins,
            expires,
            is_narrowed,
            networks,
            revoked: ended.0,
            rotated: ended.1,
        },
    )
}

fn filled(profiles: Vec<(ClientProfile, bool)>, keys: Vec<Key>) -> MemoryStore {
    let store = MemoryStore::new();
    let mut clients = Vec::new();
    for (profile, enabled) in profiles {
        if store.add_client(profile.clone()).is_ok() {
            if !enabled {
                store.disable_client(profile.name()).unwrap();
            }
            clients.push(profile);
        }
    }
    for key in keys {
        let digest = KeyDigest::from_bytes(key.bytes);
        let client = &clients[key.client % clients.len()];
        let time = |micros| UNIX_EPOCH + Duration::from_micros(micros);
        let narrowed = client.scopes().iter().take(usize::from(key.is_narrowed));
        let mut new = NewKey::new(digest)
            .with_not_before(key.begins.map(time))
            .with_expiry(key.expires.map(time))
            .with_scopes(narrowed.cloned())
            .with_networks(key.networks);
        if let Some(label) = key.label {
            new = new.with_label(label);
        }
        let Ok(issued) = store.issue(client.name(), new) else { continue };
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
