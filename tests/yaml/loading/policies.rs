//! The policy for the lifetimes of keys.

use std::time::Duration;

use keygate::YamlStore;
use keygate::manage::Policy;

use super::check::refused;
use super::refused_clients::{DIGEST, wrong};

const DAY: u64 = 24 * 60 * 60;

fn policy(text: &str) -> Policy {
    text.parse::<YamlStore>().unwrap_or_else(|error| panic!("{error}: {text}")).policy()
}

#[test]
fn policy_is_read_in_block_and_flow_style() {
    let year = Duration::from_secs(365 * DAY);
    let full = Policy::new().with_max_lifetime(year).require_expiry();
    for text in [
        "policy: {max_lifetime: 365d, require_expiry: true}\n",
        "version: 1\npolicy:\n  max_lifetime: 8760h   # c\n  require_expiry: true\n",
    ] {
        assert_eq!(policy(text), full);
    }
    assert_eq!(policy(""), Policy::new());
    assert_eq!(policy("policy:\n"), Policy::new());
    assert_eq!(policy("policy: {require_expiry: false}\n"), Policy::new());
}

#[test]
fn unusable_policies_are_refused_with_their_position() {
    const FORM: &str = "the policy: a lifetime is written as `365d`, `12h`, `30m` or `45s`";
    const RANGE: &str = "the policy: a lifetime is at least one second and at most 36525d";
    const LONGER: &str = "the policy: `default_lifetime` is longer than `max_lifetime`";
    const UNKNOWN: &str = "unknown field (not shown here, since it may be a key); the nearest known one is \
        `max_lifetime`: a policy has `max_lifetime`, `default_lifetime` and `require_expiry`";
    let list =
        wrong("a mapping", "a list", "write it as `{max_lifetime: 365d, require_expiry: true}`");
    refused(&[
        ("policy: {max_lifetime: c4n4ry}\n", "1:24", FORM),
        ("policy: {max_lifetime: 90}\n", "1:24", FORM),
        ("policy: {max_lifetime: 0d}\n", "1:9", RANGE),
        ("policy: {max_lifetime: 36526d}\n", "1:9", RANGE),
        ("policy: {max_lifetime: 1d, default_lifetime: 2d}\n", "1:9", LONGER),
        ("policy: {max-lifetime: 1d}\n", "1:10", UNKNOWN),
        ("policy: [1d]\n", "1:9", &list),
    ]);
}

#[test]
fn keys_that_the_policy_does_not_allow_work_with_a_warning() {
    let text = |key: &str| {
        format!(
            "policy: {{max_lifetime: 30d}}\nclients:\n  App 1:\n    keys:\n      - digest: {DIGEST}\n        {key}\n"
        )
    };
    let warnings = |key: &str| {
        let store: YamlStore = text(key).parse().unwrap();
        assert_eq!(store.list_keys(None).unwrap().len(), 1);
        store.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let beyond = "the policy does not allow 1 of the keys, such as 2c26b46b68ffc68f, which keep \
        working: give each an expiry that the policy allows, or rotate it";
    assert_eq!(warnings("label: x"), [beyond]);
    let long = "created: 2026-11-01T00:00:00Z\n        expires: 2026-12-02T00:00:00Z";
    assert_eq!(warnings(long), [beyond]);
    let short = "created: 2026-11-01T00:00:00Z\n        expires: 2026-12-01T00:00:00Z";
    assert_eq!(warnings(short), [""; 0]);
}
