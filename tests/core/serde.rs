//! The exact JSON of keys, clients and outcomes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::client::Rate;
use keygate::key::{KeyState, Timestamp};
use keygate::manage::{ClientInfo, KeyInfo, KeyStatus, LastUsed, Rotated};
use keygate::observe::OutcomeKind;
use keygate::{
    Authenticator, ClientProfile, KeyDigest, KeyId, MemoryStore, Outcome, Quota, Scope, WrongReason,
};
use serde_json::{Value, json, to_string, to_value};

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn key_is_written_without_its_digest() {
    let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
    assert_eq!(
        to_string(&key).unwrap(),
        r#"{"key_id":"1f0c2b7a9d3e4c58","client":"App 1","label":null,"state":"active","scopes":[],"networks":[],"created":null,"not_before":null,"expires":null,"revoked":null,"replaced_by":null,"last_used":"unknown"}"#,
    );

    key.scopes = vec!["orders:read".parse().unwrap()];
    key.networks = vec!["10.0.0.0/8".parse().unwrap()];
    key.label = Some("production \"eu\"".to_owned());
    key.created = Some(at(1_800_000_000));
    key.lifetime = key.lifetime.with_expiry(at(1_800_000_000) + Duration::from_nanos(1_999));
    key.lifetime = key.lifetime.with_not_before(at(1_790_000_000) + Duration::from_nanos(1_001));
    key.revoked = Some(at(0));
    key.replaced_by = Some("08c1d5e2f3a4b596".parse().unwrap());
    key.state = KeyState::Revoked;
    key.last_used = LastUsed::At(at(1_800_000_000));
    let expected = json!({
        "key_id": "1f0c2b7a9d3e4c58",
        "client": "App 1",
        "label": "production \"eu\"",
        "state": "revoked",
        "scopes": ["orders:read"],
        "networks": ["10.0.0.0/8"],
        "created": "2027-01-15T08:00:00Z",
        "not_before": "2026-09-21T14:13:20.000002Z",
        "expires": "2027-01-15T08:00:00.000001Z",
        "revoked": "1970-01-01T00:00:00Z",
        "replaced_by": "08c1d5e2f3a4b596",
        "last_used": "2027-01-15T08:00:00Z",
    });
    assert_eq!(to_value(&key).unwrap(), expected);

    let old = KeyInfo::new("08c1d5e2f3a4b596".parse().unwrap(), "App 1");
    let rotated = Rotated::new(old.clone(), key.clone());
    assert_eq!(to_value(&rotated).unwrap(), json!({ "old": old, "new": key }));
}

#[test]
fn time_that_rfc_3339_cannot_write_is_an_error() {
    let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
    for time in [UNIX_EPOCH - Duration::from_secs(1), at(253_402_300_800)] {
        key.created = Some(time);
        assert!(to_string(&key).is_err(), "{time:?}");
    }
    let last = Timestamp::try_from(at(253_402_300_799)).unwrap();
    assert_eq!(to_value(last).unwrap(), "9999-12-31T23:59:59Z");
}

#[test]
fn client_is_written_with_its_profile_flattened() {
    let scopes = ["orders:read", "stock:*"].map(|scope| scope.parse::<Scope>().unwrap());
    let profile = ClientProfile::new("App 1")
        .with_title("The app")
        .with_scopes(scopes)
        .with_networks(["10.0.0.0/8".parse().unwrap()])
        .with_quota("100/minute".parse().unwrap())
        .with_metadata([("team", "billing")]);
    assert_eq!(
        to_string(&profile).unwrap(),
        r#"{"name":"App 1","title":"The app","scopes":["orders:read","stock:*"],"networks":["10.0.0.0/8"],"quota":"100/minute","metadata":{"team":"billing"}}"#,
    );

    let mut client = ClientInfo::new(profile);
    (client.enabled, client.keys) = (false, 2);
    let expected = json!({
        "name": "App 1",
        "title": "The app",
        "scopes": ["orders:read", "stock:*"],
        "networks": ["10.0.0.0/8"],
        "quota": "100/minute",
        "metadata": { "team": "billing" },
        "enabled": false,
        "keys": 2,
    });
    assert_eq!(to_value(&client).unwrap(), expected);
}

#[test]
fn quota_serializes_as_in_a_key_file() {
    let rate = |text: &str| text.parse::<Rate>().unwrap();
    let burst = rate("100/minute").with_burst(20).unwrap();
    let cases: [(Quota, &str); 4] = [
        ("unlimited".parse().unwrap(), r#""unlimited""#),
        (rate("100/minute").into(), r#""100/minute""#),
        (burst.into(), r#"{"rate":"100/minute","burst":20}"#),
        (
            Quota::all_of([rate("2/second"), burst]).unwrap(),
            r#"["2/second",{"rate":"100/minute","burst":20}]"#,
        ),
    ];
    for (quota, json) in cases {
        assert_eq!(to_string(&quota).unwrap(), json);
        let file = format!("clients:\n  App 1: {{ quota: {json} }}\napi_keys:\n  {KEY}: App 1\n");
        let store: keygate::YamlStore = file.parse().unwrap();
        assert_eq!(store.list_clients()[0].profile.quota(), Some(&quota), "{file}");
    }
}

#[test]
fn ids_digests_and_states_are_words() {
    let digest = KeyDigest::of(b"abc");
    assert_eq!(
        to_value(digest).unwrap(),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    let id: KeyId = "ba7816bf8f01cfea".parse().unwrap();
    assert_eq!(to_value(id).unwrap(), "ba7816bf8f01cfea");
    let states = [KeyState::Active, KeyState::Disabled, KeyState::Revoked];
    assert_eq!(to_value(states).unwrap(), json!(["active", "disabled", "revoked"]));
    assert_eq!(to_value(KeyStatus::Replaced).unwrap(), "replaced");
    assert_eq!(to_value(WrongReason::Expired).unwrap(), "expired");
    for kind in OutcomeKind::ALL {
        assert_eq!(to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn outcome_names_client_and_id_of_known_keys_only() {
    let store = MemoryStore::new();
    let id = store.insert(KEY, "App 1").unwrap();
    let written = Arc::new(Mutex::new(Vec::new()));
    let log = written.clone();
    let auth = Authenticator::new(store.clone()).add_observer(move |outcome: &Outcome<'_>| {
        log.lock().unwrap().push(to_value(outcome).unwrap());
    });

    let _ = auth.verify_key(KEY.as_bytes());
    let _ = auth.verify_key(b"wrong-key-that-nobody-has");
    let _ = auth.verify_key(b"");
    store.revoke(&id).unwrap();
    let _ = auth.verify_key(KEY.as_bytes());

    let id = id.to_string();
    let expected: Vec<Value> = vec![
        json!({ "outcome": "admitted", "client": "App 1", "key_id": id }),
        json!({ "outcome": "unknown", "client": null, "key_id": null }),
        json!({ "outcome": "no_credentials", "client": null, "key_id": null }),
        json!({ "outcome": "revoked", "client": "App 1", "key_id": id }),
    ];
    assert_eq!(*written.lock().unwrap(), expected);
}
