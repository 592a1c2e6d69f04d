//! Texts that PostgreSQL refuses, and texts that would end a literal.

use keygate::client::{LabelError, ProfileError};
use keygate::manage::{KeyError, ManageError, TransferKeys as _};
use keygate::store::PostgresStore;
use keygate::{ClientProfile, KeyDigest, ManageKeys, MemoryStore, NewKey, WrongReason};

use crate::servers::Postgres;
use crate::store::{KEY, migrated, request, store_with_key};

fn assert_refused(what: &str, error: &ManageError, expected: ProfileError) {
    let ManageError::Key(KeyError::Profile(found)) = error else { panic!("{what}: {error:?}") };
    assert_eq!(*found, expected, "{what}");
}

async fn add(store: &dyn ManageKeys, profile: ClientProfile) -> ManageError {
    store.add_client(profile).await.unwrap_err()
}

#[tokio::test]
async fn zeros_in_names_and_metadata_are_refused() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    let memory = MemoryStore::new();
    let app = || ClientProfile::new("App 2");
    for store in [&store as &dyn ManageKeys, &memory] {
        for pair in [("team", "a\0"), ("\0", "a"), ("a\0b", "")] {
            let error = add(store, app().with_metadata([pair])).await;
            assert_refused("metadata", &error, ProfileError::MetadataZero);
        }
        let error = add(store, "App\0 2".into()).await;
        assert_refused("name", &error, ProfileError::Name(LabelError::Control));
    }
    let key = NewKey::new(KeyDigest::of(b"another")).with_label("a\0b");
    let error = store.issue("App 1", key).await.unwrap_err();
    assert!(matches!(error, ManageError::Label(_)), "{error:?}");
    for error in [
        store.disable_client("App 1\0").await.unwrap_err(),
        store.list_keys(Some("\0")).await.unwrap_err(),
        store.issue("App 1\0", NewKey::new(KeyDigest::of(b"another"))).await.unwrap_err(),
    ] {
        assert!(matches!(error, ManageError::UnknownClient { .. }), "{error:?}");
    }
    assert_eq!(database.psql("select count(*) from keygate.clients"), "1");
}

/// Every character except zero is preserved.
#[tokio::test]
async fn other_texts_are_kept() {
    let store = migrated(&Postgres::shared().database()).await;
    let text = "\u{1}\u{7f}\u{85}\u{2028}\u{202e}\u{fffe}\u{10ffff}\\u0000 '\"{}";
    let profile = ClientProfile::new("App 1")
        .with_metadata([("\u{1}\u{85}\u{fffe}\u{10ffff}\\u0000 '\"{}", text)]);
    store.add_client(profile.clone()).await.unwrap();
    assert_eq!(store.list_clients().await.unwrap()[0].profile, profile);
    let copy = migrated(&Postgres::shared().database()).await;
    let held = store.export_keys().await.unwrap();
    assert!(copy.import_keys(&held).await.unwrap().is_complete());
    assert_eq!(copy.list_clients().await.unwrap()[0].profile, profile);
}

#[tokio::test]
async fn no_change_fails_because_of_the_actors_name() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await.with_actor("a\0da").with_tool("\0");
    store.disable_client("App 1").await.unwrap();
    assert!(request(&store, KEY).await.unwrap_err().reason().is_some());
    let by = "select actor, tool from keygate.events order by seq desc limit 1";
    assert_eq!(database.psql(by), "a\u{fffd}da|\u{fffd}");
}

/// Names with quotes and backslashes, which need escaping.
const NAMES: [&str; 14] = [
    "O'Brien",
    "O''Brien",
    "\\",
    "a\\",
    "a\\\\",
    "\\'",
    "'; drop table keygate.keys; --",
    "\\'; drop table keygate.keys; --",
    "' or 'a' = 'a",
    "\\' or true --",
    "\\x41\\101\\u0041\\n",
    "E'$1'$$:a/*",
    "\u{fffe}\u{10ffff}\u{e9}\u{bf5c}",
    "%s{}\"`",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotes_and_backslashes_in_names_are_plain_text() {
    for (conforming, quote) in [("on", "safe_encoding"), ("off", "off")] {
        let database = Postgres::shared().database();
        let role = format!("alter role {} in database {}", Postgres::OWNER, database.name());
        database.psql(&format!(
            "{role} set standard_conforming_strings = {conforming}; {role} set backslash_quote = {quote}"
        ));
        let store = store_with_key(&database).await;
        for name in NAMES {
            check_name(&store, name).await;
        }
        let noted = "select count(*) from keygate.events \
                     where action = 'client.disabled' and actor = client and tool = client";
        assert_eq!(database.psql(noted), NAMES.len().to_string());
        assert_eq!(database.psql("select name from keygate.clients"), "App 1");
    }
}

/// Checks that a client with this name is unknown, and then adds, finds and changes it, and no other.
async fn check_name(store: &PostgresStore, name: &str) {
    let store = store.clone().with_actor(name).with_tool(name);
    let unknown = |error| {
        assert!(matches!(error, ManageError::UnknownClient { .. }), "{name}: {error:?}");
    };
    unknown(store.disable_client(name).await.unwrap_err());
    unknown(store.list_keys(Some(name)).await.unwrap_err());

    let key = format!("{KEY} of {name}");
    let digest = KeyDigest::of(key.as_bytes());
    store.add_client(name.into()).await.unwrap();
    let key_id = store.issue(name, NewKey::new(digest).with_label(name)).await.unwrap().key_id;
    assert_eq!(request(&store, &key).await.unwrap().name(), name);
    let [listed] = &store.list_keys(Some(name)).await.unwrap()[..] else { panic!("{name}") };
    assert_eq!((listed.key_id, &*listed.client), (key_id, name));
    store.disable_client(name).await.unwrap();
    assert_eq!(request(&store, &key).await.unwrap_err().reason(), Some(WrongReason::Disabled));
    assert_eq!(request(&store, KEY).await.unwrap().name(), "App 1");
    store.remove_client(name).await.unwrap();
}
