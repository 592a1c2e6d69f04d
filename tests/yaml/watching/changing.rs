//! Ways in which a file changes.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::time::{Duration, SystemTime};

use keygate::manage::{ClientChange, KeyChange, KeyError, ManageError, PurgeKeys};
use keygate::{ApiKey, KeyDigest, NewKey, YamlStore};

use crate::watching::folder::{Folder, KEYS, admits, short, until, watch};

fn follows_to(store: &YamlStore, keys: &[usize]) {
    until("what the file says", || {
        (0..KEYS.len()).all(|place| admits(store, place) == keys.contains(&place))
    });
    assert_eq!(store.health().failing_since, None);
    assert_eq!(store.health().keys, keys.len());
}

#[test]
fn repeatedly_renamed_files_are_followed() {
    let folder = Folder::new();
    let store = watch(folder.write("keys.yml", &short(&[0]))).unwrap();
    for keys in [&[0, 1][..], &[1], &[0, 1, 2], &[2]] {
        folder.rename_over("keys.yml", &short(keys));
        follows_to(&store, keys);
    }
}

#[test]
fn edit_in_place_is_followed() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let store = watch(&path).unwrap();
    for keys in [&[0, 1][..], &[1], &[0]] {
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        let text = short(keys);
        file.write_all(text.as_bytes()).unwrap();
        file.set_len(text.len() as u64).unwrap();
        follows_to(&store, keys);
    }
}

#[test]
fn edit_of_the_same_length_and_time_is_followed() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let store = watch(&path).unwrap();
    for place in [1, 2, 0] {
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        file.rewind().unwrap();
        file.write_all(short(&[place]).as_bytes()).unwrap();
        file.set_modified(time).unwrap();
        follows_to(&store, &[place]);
    }
}

#[test]
fn deleted_and_recreated_file_is_followed() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let store = watch(&path).unwrap();
    fs::remove_file(&path).unwrap();
    until("its absence", || store.health().failing_since.is_some());
    assert!(admits(&store, 0));
    folder.write("keys.yml", &short(&[1]));
    follows_to(&store, &[1]);
}

#[test]
fn removed_and_recreated_folder_is_followed() {
    let folder = Folder::new();
    let inner = folder.path("inner");
    fs::create_dir(&inner).unwrap();
    let path = folder.write("inner/keys.yml", &short(&[0]));
    let store = watch(&path).unwrap();
    fs::remove_dir_all(&inner).unwrap();
    until("its absence", || store.health().failing_since.is_some());
    fs::create_dir(&inner).unwrap();
    fs::write(&path, short(&[1])).unwrap();
    follows_to(&store, &[1]);
    fs::write(&path, short(&[2])).unwrap();
    follows_to(&store, &[2]);
}

/// As Kubernetes lays out a ConfigMap or Secret: `keys.yml -> ..data/keys.yml`, `..data -> ..1`, and a new
/// link renamed over `..data`.
#[cfg(unix)]
#[test]
fn swap_of_a_mounted_volume_is_followed() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    let version = |number: usize, keys: &[usize]| {
        let name = format!("..{number}");
        fs::create_dir(folder.path(&name)).unwrap();
        folder.write(&format!("{name}/keys.yml"), &short(keys));
        symlink(&name, folder.path("..data_tmp")).unwrap();
        fs::rename(folder.path("..data_tmp"), folder.path("..data")).unwrap();
    };
    version(1, &[0]);
    symlink("..data/keys.yml", folder.path("keys.yml")).unwrap();
    let store = watch(folder.path("keys.yml")).unwrap();
    for (number, keys) in [(2, &[0, 1][..]), (3, &[1]), (4, &[2])] {
        version(number, keys);
        fs::remove_dir_all(folder.path(&format!("..{}", number - 1))).unwrap();
        follows_to(&store, keys);
    }
}

#[cfg(unix)]
#[test]
fn changed_target_of_a_link_is_followed() {
    let (folder, other) = (Folder::new(), Folder::new());
    let target = other.write("real.yml", &short(&[0]));
    std::os::unix::fs::symlink(target, folder.path("keys.yml")).unwrap();
    let store = watch(folder.path("keys.yml")).unwrap();
    other.rename_over("real.yml", &short(&[1]));
    follows_to(&store, &[1]);
}

#[test]
fn change_through_another_store_is_followed() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0, 1]));
    let store = watch(&path).unwrap();
    let other = YamlStore::open(&path).unwrap();
    let key = ApiKey::generate("kg").unwrap();
    other.issue("User 0", NewKey::from(&key)).unwrap();
    until("the new key", || store.len() == 3);
    let id = other.list_keys(Some("User 1")).unwrap()[0].key_id;
    other.revoke(&id).unwrap();
    until("the revocation", || !admits(&store, 1));
    assert_eq!(other.list_keys(None).unwrap(), store.list_keys(None).unwrap());
}

#[test]
fn change_through_the_store_itself_is_not_undone() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0, 1]));
    let store = watch(&path).unwrap();
    for _ in 0..20 {
        let key = ApiKey::generate("kg").unwrap();
        let issued = store.issue("User 0", NewKey::from(&key)).unwrap();
        store.revoke(&issued.key_id).unwrap();
        let listed = store.list_keys(None).unwrap();
        let revoked = listed.iter().find(|listed| listed.key_id == issued.key_id).unwrap();
        assert!(revoked.revoked.is_some());
        assert_eq!(store.health().failing_since, None);
    }
    assert_eq!(
        YamlStore::open(&path).unwrap().list_keys(None).unwrap(),
        store.list_keys(None).unwrap()
    );
}

#[test]
fn purge_is_followed_and_the_key_can_be_added_by_hand() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0, 1]));
    let (store, other) = (watch(&path).unwrap(), YamlStore::open(&path).unwrap());
    let id = other.list_keys(Some("User 1")).unwrap()[0].key_id;
    let end = SystemTime::now() + Duration::from_secs(3600);
    other.update_key(&id, KeyChange::new().with_expiry(end)).unwrap();
    let later = other.with_clock(move || end);
    let purged = later.purge_keys(&PurgeKeys::new().expired_before(end)).unwrap();
    assert_eq!(purged.iter().map(|key| key.key_id).collect::<Vec<_>>(), [id]);
    follows_to(&store, &[0]);
    let refused =
        later.issue("User 0", NewKey::new(KeyDigest::of(KEYS[1].as_bytes()))).unwrap_err();
    assert!(matches!(refused, ManageError::Key(KeyError::Purged { .. })), "{refused}");

    folder.rename_over("keys.yml", &short(&[0, 1]));
    follows_to(&store, &[0, 1]);
    later.reload().unwrap();
    assert_eq!(later.list_keys(None).unwrap().len(), 2);
}

#[test]
fn change_of_a_client_and_of_a_key_is_followed() {
    let folder = Folder::new();
    let path = folder.write("keys.yml", &short(&[0]));
    let (store, other) = (watch(&path).unwrap(), YamlStore::open(&path).unwrap());
    let name = other.profiles()[0].name().to_owned();
    let change = ClientChange::new().add_scope("orders:read".parse().unwrap()).with_title("Shop");
    other.update_client(&name, change.with_quota("5/second".parse().unwrap())).unwrap();
    until("another profile", || store.profiles() == other.profiles());
    assert!(admits(&store, 0));

    let key_id = other.list_keys(None).unwrap()[0].key_id;
    let end = SystemTime::now() + Duration::from_secs(3600);
    other.update_key(&key_id, KeyChange::new().with_expiry(end)).unwrap();
    let expiry = |store: &YamlStore| store.list_keys(None).unwrap()[0].expires();
    until("an expiry", || expiry(&store).is_some() && expiry(&store) == expiry(&other));

    let change = KeyChange::new().with_networks(["10.0.0.0/8".parse().unwrap()]);
    other.update_key(&key_id, change.with_scopes(["orders:read".parse().unwrap()])).unwrap();
    until("a restricted key", || store.list_keys(None).unwrap() == other.list_keys(None).unwrap());
    until("its networks", || !admits(&store, 0));
    let change = ClientChange::new().with_networks(["192.0.2.7".parse().unwrap()]);
    other.update_client(&name, change).unwrap();
    until("the networks of its client", || store.profiles() == other.profiles());
    assert!(!store.profiles()[0].networks().is_empty());
}
