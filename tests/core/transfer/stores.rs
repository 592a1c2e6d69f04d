use std::time::{Duration, UNIX_EPOCH};

use keygate::key::{KeyState, TimeError};
use keygate::manage::{
    ClientChange, ConflictReason, Export, ImportConflict, KeyError, ManageError, TransferKeys,
};
use keygate::{
    ClientProfile, KeyDigest, KeyRecord, LocalKeyStore as _, ManageKeys, MemoryStore, NewKey,
    YamlStore,
};

use crate::transfer::folder::Folder;

/// Every field of key files, in every form.
const ALL: &str = "\
policy: {max_lifetime: 365d, default_lifetime: 90d}
clients:
  App 1:
    enabled: false
    scopes: [orders:read, 'stock:*']
    quota: {rate: 100/minute, burst: 20}
    metadata: {team: billing, 'a: b': 'null'}
    keys:
      - digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
        label: 'yes'
        created: 2026-11-23T10:00:00.123456Z
        expires: 2027-01-31T00:00:00.000001+01:00
        replaced_by: fcde2b2edba56bf4
      - digest: sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9
  App 2:
    quota: [10/second, 1000/day]
  '#3':
    quota: unlimited
    keys:
      - digest: sha256:baa5a0964d3320fbc0c6a922140453c8513ea24ab8fd0577034804a967248096
        revoked: 1970-01-01T00:00:00Z
api_keys:
  08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
";

async fn held(store: &dyn TransferKeys) -> Export {
    store.export_keys().await.unwrap()
}

#[tokio::test]
async fn nothing_is_lost_between_files_and_memory() {
    let folder = Folder::new();
    let old = held(&folder.file("old.yml", ALL)).await;
    assert_eq!((old.client_count(), old.key_count()), (4, 4));
    let memory = MemoryStore::new();
    let imported = memory.import_keys(&old).await.unwrap();
    assert_eq!((imported.clients_added, imported.keys_added), (4, 4));
    assert!(imported.is_complete() && imported.policy_added);
    let new = folder.empty_file("new.yml");
    assert!(new.import_keys(&held(&memory).await).await.unwrap().is_complete());
    assert_eq!(held(&new).await, old);
    assert_eq!(new.policy().default_lifetime(), Some(Duration::from_secs(90 * 24 * 60 * 60)));
    let flow = folder.file("flow.yml", "{} # nothing yet\n");
    assert!(flow.import_keys(&old).await.unwrap().policy_added);
    assert_eq!(held(&flow).await, old);
    assert_eq!(held(&YamlStore::open(folder.path("new.yml")).unwrap()).await, old);
}

#[tokio::test]
async fn importing_again_changes_neither_keys_nor_the_file() {
    let folder = Folder::new();
    let old = held(&folder.file("old.yml", ALL)).await;
    let new = folder.empty_file("new.yml");
    new.import_keys(&old).await.unwrap();
    let text = std::fs::read(folder.path("new.yml")).unwrap();
    let imported = new.import_keys(&old).await.unwrap();
    assert_eq!((imported.clients_added, imported.clients_kept), (0, 4));
    assert_eq!((imported.keys_added, imported.keys_kept), (0, 4));
    assert_eq!(std::fs::read(folder.path("new.yml")).unwrap(), text);
}

#[tokio::test]
async fn imported_keys_work_unless_their_client_is_disabled() {
    let folder = Folder::new();
    let memory = MemoryStore::new();
    memory.import_keys(&held(&folder.file("old.yml", ALL)).await).await.unwrap();
    let state = |text: &str| {
        let found = memory.find(&text.parse().unwrap()).unwrap();
        found.map(|record| record.state())
    };
    let user = KeyDigest::of(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU").to_text();
    assert_eq!(state(&user), Some(KeyState::Active));
    let disabled = "sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9";
    assert_eq!(state(disabled), Some(KeyState::Disabled));
    let revoked = "sha256:baa5a0964d3320fbc0c6a922140453c8513ea24ab8fd0577034804a967248096";
    assert_eq!(state(revoked), Some(KeyState::Revoked));
}

#[tokio::test]
async fn import_changes_nothing_that_exists() {
    let old = MemoryStore::new();
    old.add_client("App 1").unwrap();
    let key = old.issue("App 1", NewKey::new(KeyDigest::of(b"1"))).unwrap();
    let before = held(&old).await;

    let folder = Folder::new();
    for new in [&MemoryStore::new() as &dyn TransferKeys, &folder.empty_file("new.yml")] {
        new.import_keys(&before).await.unwrap();
        new.revoke(&key.key_id).await.unwrap();
        new.disable_client("App 1").await.unwrap();
        let there = held(new).await;
        let imported = new.import_keys(&before).await.unwrap();
        let why = ConflictReason::Differs { fields: vec!["enabled"] };
        let expected = [
            ImportConflict::Client { name: "App 1".to_owned(), why },
            ImportConflict::Key {
                key_id: key.key_id,
                client: "App 1".to_owned(),
                why: ConflictReason::Revoked,
            },
        ];
        assert_eq!(imported.refused, expected);
        assert_eq!(held(new).await, there);
    }
}

/// In an older export, they still work.
#[tokio::test]
async fn keys_of_a_removed_client_are_not_imported() {
    let old = MemoryStore::new();
    old.add_client("App 1").unwrap();
    let keys = [b"1", b"2"].map(|key| old.issue("App 1", NewKey::new(KeyDigest::of(key))).unwrap());
    let before = held(&old).await;

    let folder = Folder::new();
    for new in [&MemoryStore::new() as &dyn TransferKeys, &folder.empty_file("new.yml")] {
        new.import_keys(&before).await.unwrap();
        new.revoke(&keys[0].key_id).await.unwrap();
        new.disable_client("App 1").await.unwrap();
        new.remove_client("App 1").await.unwrap();
        let imported = new.import_keys(&before).await.unwrap();
        assert_eq!((imported.clients_added, imported.keys_added), (1, 0));
        let is_purged = |it: &ImportConflict| {
            matches!(it, ImportConflict::Key { why: ConflictReason::Purged, .. })
        };
        let is_refused = imported.refused.len() == 2 && imported.refused.iter().all(is_purged);
        assert!(is_refused, "{:?}", imported.refused);
        assert_eq!(new.list_keys(None).await.unwrap(), []);
    }
}

#[tokio::test]
async fn times_up_to_the_end_of_9999_stay_the_same() {
    const YEAR_4021: u64 = 64_723_363_200_000_000;
    const LAST: u64 = 253_402_300_799_999_999;
    let times = [0, 1, 4_611_686_018_427_387, YEAR_4021, LAST];
    let times = times.map(|micros| UNIX_EPOCH + Duration::from_micros(micros));
    let old = MemoryStore::new();
    for (number, expires) in times.into_iter().enumerate() {
        let digest = KeyDigest::of(&[u8::try_from(number).unwrap()]);
        old.insert_record(KeyRecord::new(digest, "App 1").with_expiry(expires)).unwrap();
    }
    let folder = Folder::new();
    let stores: Vec<Box<dyn TransferKeys>> = vec![
        Box::new(MemoryStore::new()),
        Box::new(folder.empty_file("new.yml")),
        #[cfg(feature = "sqlite")]
        {
            keygate::store::SqliteStore::migrate(folder.path("keys.db")).await.unwrap();
            Box::new(keygate::store::SqliteStore::open(folder.path("keys.db")).await.unwrap())
        },
    ];
    for store in &stores {
        assert!(store.import_keys(&held(&old).await).await.unwrap().is_complete());
        assert!(held(&**store).await == held(&old).await);
        let listed = store.list_keys(Some("App 1")).await.unwrap();
        let mut expires: Vec<_> =
            listed.iter().filter_map(keygate::manage::KeyInfo::expires).collect();
        expires.sort_unstable();
        assert_eq!(expires, times);
    }
}

#[tokio::test]
async fn expiries_out_of_range_are_refused() {
    let folder = Folder::new();
    let file = folder.empty_file("keys.yml");
    file.add_client("App 1").unwrap();
    let memory = MemoryStore::new();
    memory.add_client("App 1").unwrap();
    let end = UNIX_EPOCH + Duration::from_secs(253_402_300_800);

    #[cfg(feature = "sqlite")]
    keygate::store::SqliteStore::migrate(folder.path("keys.db")).await.unwrap();
    #[cfg(feature = "sqlite")]
    let sqlite = keygate::store::SqliteStore::open(folder.path("keys.db")).await.unwrap();
    #[cfg(feature = "sqlite")]
    ManageKeys::add_client(&sqlite, "App 1".into()).await.unwrap();
    let stores: Vec<&dyn ManageKeys> = vec![
        &memory,
        &file,
        #[cfg(feature = "sqlite")]
        &sqlite,
    ];
    for store in stores {
        let new = NewKey::new(KeyDigest::of(b"1")).with_expiry(end);
        let error = store.issue("App 1", new).await.unwrap_err();
        let reason = ManageError::Key(KeyError::Expiry(TimeError::AfterEnd));
        assert_eq!(error.to_string(), reason.to_string());
        assert!(store.list_keys(None).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn times_are_cut_to_the_microsecond_once() {
    let expires = UNIX_EPOCH + Duration::from_nanos(1_900_000_000_123_456_789);
    let old = MemoryStore::new();
    let record = KeyRecord::new(KeyDigest::of(b"1"), "App 1").with_expiry(expires);
    old.insert_record(record).unwrap();
    let new = MemoryStore::new();
    new.import_keys(&held(&old).await).await.unwrap();
    let cut = UNIX_EPOCH + Duration::from_micros(1_900_000_000_123_456);
    assert_eq!(new.list_keys(None).unwrap()[0].expires(), Some(cut));
    assert!(new.import_keys(&held(&old).await).await.unwrap().is_complete());
    assert!(old.import_keys(&held(&new).await).await.unwrap().is_complete());
}

#[tokio::test]
async fn key_that_is_disabled_by_itself_is_refused() {
    let old = MemoryStore::new();
    let record = KeyRecord::new(KeyDigest::of(b"1"), "App 1").with_state(KeyState::Disabled);
    let key_id = old.insert_record(record).unwrap();
    let new = MemoryStore::new();
    let imported = new.import_keys(&held(&old).await).await.unwrap();
    let client = "App 1".to_owned();
    assert_eq!(
        imported.refused,
        [ImportConflict::Key { key_id, client, why: ConflictReason::Disabled }]
    );
    assert_eq!((imported.clients_added, imported.keys_added), (1, 0));
    let folder = Folder::new();
    let path = folder.path("new.yml");
    let refused = YamlStore::create_from_export(&path, &held(&old).await).unwrap_err();
    assert!(matches!(&refused, ManageError::NotEditable { .. }), "{refused}");
    assert!(refused.to_string().starts_with("a key file cannot hold the key "), "{refused}");
    assert!(!path.exists());
}

#[tokio::test]
async fn file_created_from_an_export_has_all_of_it() {
    let folder = Folder::new();
    let text = format!("{ALL}  ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM: Operations\n");
    let old = folder.file("old.yml", &text);
    let (scope, lost) = ("keygate:admin".parse().unwrap(), "orders:read".parse().unwrap());
    let change = ClientChange::new().add_scope(scope).add_scope(lost);
    old.update_client("Operations", change).unwrap();
    let new = NewKey::new(KeyDigest::of(b"new")).with_scopes(["orders:read".parse().unwrap()]);
    let new = new.with_networks(["10.0.0.0/8".parse().unwrap()]);
    old.issue("Operations", new).unwrap();
    let lost = ClientChange::new().remove_scope("orders:read".parse().unwrap());
    let lost = lost.with_networks(["192.0.2.0/24".parse().unwrap()]);
    old.update_client("Operations", lost).unwrap();
    let old = held(&old).await;

    let path = folder.path("new.yml");
    let new = YamlStore::create_from_export(&path, &old).unwrap();
    assert_eq!(held(&new).await, old);
    assert!(YamlStore::create_from_export(&path, &old).is_err());
    let imported = folder.empty_file("imported.yml").import_keys(&old).await.unwrap();
    let refused = imported.refused.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(refused[0].contains("its scope `keygate:admin` is reserved"), "{refused:?}");
}

#[tokio::test]
async fn key_revoked_at_an_unknown_time_stays_revoked() {
    let old = MemoryStore::new();
    let record = KeyRecord::new(KeyDigest::of(b"1"), "App 1").with_state(KeyState::Revoked);
    old.insert_record(record).unwrap();
    let folder = Folder::new();
    let new = folder.empty_file("new.yml");
    assert!(new.import_keys(&held(&old).await).await.unwrap().is_complete());
    assert_eq!(new.list_keys(None).unwrap()[0].state, KeyState::Revoked);
    assert_eq!(held(&new).await, held(&old).await);
}

#[tokio::test]
async fn imported_keys_are_inserted_between_existing_entries() {
    let folder = Folder::new();
    let text = "# ours\nclients:\n  App 1:   # the first\n    scopes: [a]\napi_keys:\n  \
                08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1\n";
    let file = folder.file("keys.yml", text);
    let old = MemoryStore::new();
    let profile = ClientProfile::new("App 1").with_scopes(["a".parse().unwrap()]);
    old.add_client(profile).unwrap();
    old.issue("App 1", NewKey::new(KeyDigest::of(b"1"))).unwrap();
    assert!(file.import_keys(&held(&old).await).await.unwrap().is_complete());
    let text = std::fs::read_to_string(folder.path("keys.yml")).unwrap();
    assert!(text.starts_with("# ours\nclients:\n  App 1:   # the first\n    scopes: [a]\n"));
    assert!(text.ends_with(": User 1\n"), "{text}");
}
