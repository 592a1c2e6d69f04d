//! A whole section of keys in the settings of an application.

use keygate::manage::TransferKeys as _;
use keygate::store::KeysFault;
use keygate::{Keys, MemoryStore, YamlStore};
use serde::Deserialize;

use super::loaders::Loader;

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

/// Uses every field of a key file.
const FULL: &str = "
version: 1
api_key: single-key-0123456789
api_keys:
    08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
policy: {max_lifetime: 365d, default_lifetime: 90d, require_expiry: true}
clients:
  App 1:
    title: The app
    enabled: false
    scopes: [orders:read, 'stock:*']
    networks: [10.0.0.0/8]
    quota: [{rate: 100/minute, burst: 20}, 10000/day]
    metadata: {team: billing}
    keys:
      - digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
        label: production
        scopes: ['orders:read']
        networks: [10.1.0.0/16]
        created: 2026-11-23T10:00:00Z
        not_before: 2026-11-24T10:00:00Z
        expires: 2027-01-31T00:00:00Z
        replaced_by: 34e96aa08482cdc1
      - digest: sha256:34e96aa08482cdc12754620bb04627bda80fdcdf9f1aa3c253f859d363f3e9b4
        revoked: 2026-11-23T10:00:00Z
  User 1: {quota: unlimited}
  User 2:
";

#[derive(Deserialize)]
struct App {
    auth: Keys,
}

fn store(keys: Keys) -> MemoryStore {
    MemoryStore::try_from(keys).unwrap_or_else(|error| panic!("{error}"))
}

fn assert_same(store: &MemoryStore, file: &YamlStore, what: &str) {
    assert_eq!(store.list_clients(), file.list_clients(), "{what}");
    assert_eq!(store.list_keys(None).unwrap(), file.list_keys(None).unwrap(), "{what}");
    assert_eq!(store.policy(), file.policy(), "{what}");
}

#[test]
fn section_has_the_keys_of_the_same_file() {
    let file: YamlStore = FULL.parse().unwrap();
    let value: serde_json::Value = serde_yaml::from_str(FULL).unwrap();
    let json = value.to_string();
    for loader in Loader::YAML {
        assert_same(&store(loader.load(FULL).unwrap()), &file, &format!("{loader:?}"));
    }
    for loader in Loader::JSON {
        assert_same(&store(loader.load(&json).unwrap()), &file, &format!("{loader:?}"));
    }
    let without_null: YamlStore = FULL.replace("  User 2:\n", "").parse().unwrap();
    let mut value: toml::Value = serde_json::from_value(drop_nulls(value)).unwrap();
    value["clients"].as_table_mut().unwrap().remove("User 2");
    let toml = toml::to_string(&value).unwrap();
    for loader in Loader::TOML {
        assert_same(&store(loader.load(&toml).unwrap()), &without_null, &format!("{loader:?}"));
    }
}

/// TOML has no null.
fn drop_nulls(mut value: serde_json::Value) -> serde_json::Value {
    value["clients"].as_object_mut().unwrap().retain(|_, client| !client.is_null());
    value
}

#[test]
fn section_can_be_a_field_of_the_settings() {
    let app: App =
        serde_yaml::from_str(&format!("listen: x\nauth:\n  api_keys: {{{KEY}: User 1}}\n"))
            .unwrap();
    assert_eq!(store(app.auth).len(), 1);
    assert!(store(Keys::default()).is_empty());
    assert!(store(serde_yaml::from_str("~").unwrap()).is_empty());
}

#[test]
fn stores_of_one_section_are_independent() {
    let keys: Keys = serde_yaml::from_str(FULL).unwrap();
    let [one, other] = [keys.clone(), keys].map(store);
    one.add_client("App 9").unwrap();
    assert_eq!((one.client_count(), other.client_count()), (5, 4));
}

#[test]
fn faults_have_a_place_and_do_not_quote_text() {
    let cases = [
        ("[]", "the keys", "expected a mapping, found a list"),
        ("{quota: 1}", "`quota`", "unknown field (not shown here"),
        ("{version: 2}", "`version`", "this file has a version"),
        ("{version: '1'}", "", ""),
        ("{api_key: 1234567890123456}", "`api_key`", "expected a key, found a number"),
        (
            "{api_keys: {1234567890123456: x}}",
            "`api_keys`, entry 1",
            "expected a key, found a number",
        ),
        (
            "{api_keys: {'6862498397285404520': x}}",
            "`api_keys`, entry 1",
            "expected a key, found a number",
        ),
        (
            "{api_keys: {KEY: 7}}",
            "`api_keys`, entry 1",
            "expected the name of a client, found a number",
        ),
        (
            "{api_keys: {KEY: true}}",
            "`api_keys`, entry 1",
            "expected the name of a client, found a boolean",
        ),
        ("{api_keys: {KEY: x, hunter2: y}}", "`api_keys`, entry 2", "the key is shorter"),
        (
            "{api_keys: {KEY: x, KEY: y}}",
            "`api_keys`, entry 2",
            "this key is already in the file, as `api_keys`, entry 1: ",
        ),
        (
            "{allow_weak_keys: 'true'}",
            "`allow_weak_keys`",
            "expected `true` or `false`, found a text",
        ),
        ("{allow_weak_keys: 1}", "`allow_weak_keys`", "expected `true` or `false`, found a number"),
        ("{clients: {KEY: {scopes: [A]}}}", "`clients`, entry 1, `scopes`, entry 1", "segment 1"),
        (
            "{clients: {x: {title: 7}}}",
            "`clients`, entry 1, `title`",
            "expected a title, found a number",
        ),
        (
            "{clients: {x: {metadata: {a: 7}}}}",
            "`clients`, entry 1, `metadata`, entry 1",
            "expected a text",
        ),
        (
            "{clients: {x: {quota: 7}}}",
            "`clients`, entry 1, `quota`",
            "expected a quota, found a number",
        ),
        (
            "{clients: {x: {keys: [{digest: KEY}]}}}",
            "`clients`, entry 1, `keys`, entry 1, `digest`",
            "a digest is written with its algorithm",
        ),
        (
            "{policy: {max_lifetime: 7}}",
            "`policy`, `max_lifetime`",
            "expected a lifetime, found a number",
        ),
        ("{api_keys: !tag {KEY: x}}", "`api_keys`", "YAML tags (`!`) are not allowed"),
    ];
    for (text, place, reason) in cases {
        let keys: Keys = serde_yaml::from_str(&text.replace("KEY", KEY)).unwrap();
        let shown = format!("{keys:?}");
        match MemoryStore::try_from(keys) {
            Ok(_) => assert_eq!(reason, "", "{text}"),
            Err(error) => {
                assert_eq!(error.faults.len(), 1, "{text}: {error}");
                let KeysFault { place: found, reason: why, .. } = &error.faults[0];
                assert_eq!(found, place, "{text}: {why}");
                assert!(!reason.is_empty() && why.starts_with(reason), "{text}: {why}");
                for secret in [KEY, "hunter2", "1234567890"] {
                    assert!(!format!("{error} {error:?} {shown}").contains(secret), "{error}");
                }
            }
        }
    }
}

#[test]
fn all_faults_of_a_section_are_reported() {
    let text = "{api_keys: {hunter2: x}, quota: 1, clients: {x: {scopes: [A], quota: z}}}";
    let error = MemoryStore::try_from(serde_yaml::from_str::<Keys>(text).unwrap()).unwrap_err();
    assert_eq!(error.faults.len(), 4, "{error:?}");
}

#[test]
fn deep_nesting_is_a_fault() {
    let deep = format!("{{\"clients\": {}1{}}}", "[".repeat(60), "]".repeat(60));
    let error = MemoryStore::try_from(serde_json::from_str::<Keys>(&deep).unwrap()).unwrap_err();
    assert!(error.to_string().contains("nested deeper"), "{error}");
}

#[test]
fn allowed_weak_keys_are_warnings() {
    let keys: Keys =
        serde_yaml::from_str("{allow_weak_keys: true, api_keys: {hunter2: x}}").unwrap();
    let [warning] = keys.warnings() else { panic!("{:?}", keys.warnings()) };
    assert_eq!(warning.place, "`api_keys`, entry 1");
    assert!(warning.reason.starts_with("the key is shorter"), "{warning}");
    assert_eq!(store(keys).len(), 1);
}

#[tokio::test]
async fn section_serializes_with_digests_and_loads_again() {
    let keys: Keys = serde_yaml::from_str(FULL).unwrap();
    let before = store(keys.clone());
    for written in [serde_yaml::to_string(&keys).unwrap(), serde_json::to_string(&keys).unwrap()] {
        assert!(!written.contains(KEY) && written.contains("sha256:"), "{written}");
        let after = store(serde_yaml::from_str(&written).unwrap());
        assert_eq!(after.export_keys().await.unwrap(), before.export_keys().await.unwrap());
        assert_eq!(after.policy(), before.policy());
        // The result is also a valid key file.
        assert_same(&after, &written.parse().unwrap(), &written);
    }
    let faulty: Keys = serde_yaml::from_str("{api_keys: {hunter2: x}}").unwrap();
    let error = serde_json::to_string(&faulty).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}
