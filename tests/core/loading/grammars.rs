//! `Deserialize` for scopes, networks, quotas and profiles.

use keygate::client::{Network, Rate};
use keygate::{ClientProfile, Quota, Scope};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{from_str, to_string};

#[track_caller]
fn round_trips<T: Serialize + DeserializeOwned>(json: &str) {
    assert_eq!(to_string(&from_str::<T>(json).unwrap()).unwrap(), json);
    let yaml = serde_yaml::from_str::<T>(json).unwrap();
    assert_eq!(to_string(&yaml).unwrap(), json);
}

#[test]
fn values_deserialize_from_their_serialized_form() {
    for scope in ["\"orders:read\"", "\"*\""] {
        round_trips::<Scope>(scope);
    }
    round_trips::<Network>("\"10.0.0.0/8\"");
    round_trips::<Rate>("\"100/minute\"");
    for quota in [
        "\"unlimited\"",
        "\"100/minute\"",
        r#"{"rate":"100/minute","burst":20}"#,
        r#"["2/second",{"rate":"100/minute","burst":20}]"#,
    ] {
        round_trips::<Quota>(quota);
    }
    round_trips::<ClientProfile>(
        r#"{"name":"App 1","title":"The app","scopes":["orders:read"],"networks":["10.0.0.0/8"],"quota":"100/minute","metadata":{"team":"billing"}}"#,
    );
    round_trips::<ClientProfile>(
        r#"{"name":"App 1","title":null,"scopes":[],"networks":[],"quota":null,"metadata":{}}"#,
    );
    assert_eq!(from_str::<ClientProfile>("\"App 1\"").unwrap(), ClientProfile::new("App 1"));
    assert_eq!(
        from_str::<ClientProfile>(r#"{"name": "App 1"}"#).unwrap(),
        ClientProfile::new("App 1")
    );
}

#[track_caller]
fn is_refused<T: DeserializeOwned>(json: &str, reason: &str) {
    let error = from_str::<T>(json).map(drop).unwrap_err().to_string();
    assert!(error.contains(reason), "{json}: {error}");
}

#[test]
fn values_that_break_a_grammar_do_not_deserialize() {
    is_refused::<Scope>("\"Orders:read\"", "segment 1 of the scope");
    is_refused::<Scope>("7", "expected a scope such as `orders:read`");
    is_refused::<Network>("\"10.1.2.3/8\"", "written with its first address");
    is_refused::<Quota>("\"100/week\"", "the unit of a quota");
    is_refused::<Quota>("7", "`100/minute`");
    is_refused::<Quota>("[]", "at least one rate");
    is_refused::<Quota>("[\"unlimited\"]", "is written like `100/minute`");
    is_refused::<Quota>(r#"{"burst": 20}"#, "missing field `rate`");
    is_refused::<Quota>(r#"{"rate": "1/day", "burst": 0}"#, "the burst of a quota");
    is_refused::<Quota>(r#"{"rate": "1/day", "rate": "2/day"}"#, "appears twice");
    is_refused::<Quota>(r#"{"rate": "1/day", "bursts": 3}"#, "a limit has a `rate` and a `burst`");
    is_refused::<ClientProfile>("\"\"", "the name of the client is empty");
    is_refused::<ClientProfile>(r#"{"title": "x"}"#, "missing field `name`");
    is_refused::<ClientProfile>(r#"{"name": "x", "name": "y"}"#, "appears twice");
    is_refused::<ClientProfile>(r#"{"name": "x", "scopes": ["A"]}"#, "segment 1");
    is_refused::<ClientProfile>(r#"{"name": "x", "title": " x"}"#, "the title of the client");
    is_refused::<ClientProfile>(r#"{"name": "x", "hunter2": 1}"#, "unknown field (not shown here)");
    is_refused::<ClientProfile>(
        r#"{"name": "x", "metadata": {"a": "\u0000"}}"#,
        "a zero character",
    );
}
