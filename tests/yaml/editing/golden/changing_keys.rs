//! Fields of keys that are changed and removed.

use std::time::{Duration, UNIX_EPOCH};

use keygate::YamlStore;
use keygate::manage::{KeyChange, ManageError};

use super::{edited, flow_style, refused};
use crate::editing::fixture::{id, now};

type Edit = fn(&YamlStore) -> Result<(), ManageError>;

fn key(store: &YamlStore, change: KeyChange) -> Result<(), ManageError> {
    store.update_key(&id('A'), change).map(drop)
}

const LABEL: Edit = |store| key(store, KeyChange::new().with_label("new: label"));
const NO_LABEL: Edit = |store| key(store, KeyChange::new().without_label());
const KEY_SCOPES: Edit =
    |store| key(store, KeyChange::new().with_scopes(["a", "c:x"].map(|it| it.parse().unwrap())));
const NO_KEY_SCOPES: Edit = |store| key(store, KeyChange::new().with_scopes([]));
const KEY_NETWORKS: Edit =
    |store| key(store, KeyChange::new().with_networks(["10.1.0.0/16".parse().unwrap()]));
const NO_KEY_NETWORKS: Edit = |store| key(store, KeyChange::new().with_networks([]));
const EXPIRY: Edit = |store| {
    key(store, KeyChange::new().with_expiry(UNIX_EPOCH + Duration::from_secs(1_900_000_000)))
};
const NO_EXPIRY: Edit = |store| key(store, KeyChange::new().with_expiry(None));

#[test]
fn changed_restrictions_of_a_key_keep_its_other_fields() {
    for (before, edit, after) in [
        (
            "        scopes: [ 'b', a ]   # why\n        label: x\n",
            KEY_SCOPES,
            "        scopes: [a, c:x]   # why\n        label: x\n",
        ),
        (
            "        label: x   # why\n",
            KEY_SCOPES,
            "        label: x   # why\n        scopes: [a, c:x]\n",
        ),
        ("        scopes: [a]   # why\n        label: x\n", NO_KEY_SCOPES, "        label: x\n"),
        (
            "        networks:\n          - 10.2.0.0/16   # one\n        label: x\n",
            KEY_NETWORKS,
            "        networks: ['10.1.0.0/16']   # one\n        label: x\n",
        ),
        (
            "        networks: [10.2.0.0/16]\n        label: x\n",
            NO_KEY_NETWORKS,
            "        label: x\n",
        ),
    ] {
        let file = |key: &str| {
            format!(
                "clients:\n  A:\n    scopes: [a, b, c:*]\n    networks: [10.0.0.0/8]\n    keys:\n      \
                 - digest: DIGEST_A   # d\n{key}      - {{digest: DIGEST_B}}\n"
            )
        };
        edited(&file(before), edit, &file(after));
    }
}

#[test]
fn changed_key_keeps_its_other_fields() {
    for (before, edit, after) in [
        (
            "      - digest: DIGEST_A\n        label: old   # why\n        expires: 2030-01-01T00:00:00Z\n",
            LABEL,
            "      - digest: DIGEST_A\n        label: 'new: label'   # why\n        expires: 2030-01-01T00:00:00Z\n",
        ),
        (
            "      - digest: DIGEST_A   # d\n        label: old   # why\n        expires: 2030-01-01T00:00:00Z\n",
            NO_LABEL,
            "      - digest: DIGEST_A   # d\n        expires: 2030-01-01T00:00:00Z\n",
        ),
        (
            "      - label: old   # why\n        digest: DIGEST_A   # d\n",
            NO_LABEL,
            "      - digest: DIGEST_A   # d\n",
        ),
        (
            "      -   label: old\n          expires: 2030-01-01T00:00:00Z\n          digest: DIGEST_A   # d\n",
            NO_EXPIRY,
            "      -   label: old\n          digest: DIGEST_A   # d\n",
        ),
        (
            "      - digest: DIGEST_A\n        expires: '2030-01-01T00:00:00Z'   # by contract\n",
            EXPIRY,
            "      - digest: DIGEST_A\n        expires: 2030-03-17T17:46:40Z   # by contract\n",
        ),
        (
            "      - digest: DIGEST_A   # d\n",
            EXPIRY,
            "      - digest: DIGEST_A   # d\n        expires: 2030-03-17T17:46:40Z\n",
        ),
        (
            "      - digest: DIGEST_A\n        expires: 2030-01-01T00:00:00Z   # by contract\n",
            NO_EXPIRY,
            "      - digest: DIGEST_A\n",
        ),
        (
            "      - digest: DIGEST_A\n        expires: '2030-03-17T19:46:40+02:00'\n",
            EXPIRY,
            "      - digest: DIGEST_A\n        expires: '2030-03-17T19:46:40+02:00'\n",
        ),
    ] {
        let file =
            |key: &str| format!("clients:\n  A:\n    keys:\n{key}      - {{digest: DIGEST_B}}\n");
        edited(&file(before), edit, &file(after));
    }
}

#[test]
fn several_fields_of_a_key_are_changed_at_once() {
    let both = |store: &YamlStore| {
        key(
            store,
            KeyChange::new().without_label().with_expiry(now() + Duration::from_millis(3_600_400)),
        )
    };
    let neither =
        |store: &YamlStore| key(store, KeyChange::new().without_label().with_expiry(None));
    let before = "clients:\n  A:\n    keys:\n      - label: x\n        expires: 2030-01-01T00:00:00Z\n        digest: DIGEST_A   # d\n";
    edited(
        before,
        both,
        "clients:\n  A:\n    keys:\n      - expires: 2026-11-24T11:00:01Z\n        digest: DIGEST_A   # d\n",
    );
    edited(before, neither, "clients:\n  A:\n    keys:\n      - digest: DIGEST_A   # d\n");
}

#[test]
fn changed_plaintext_key_is_replaced_with_its_digest() {
    edited(
        "api_keys:\n  KEY_A: A   # c\n  KEY_B: A\n",
        LABEL,
        "api_keys:\n  KEY_B: A\nclients:\n  A:\n    keys:\n      - digest: DIGEST_A  # c\n        label: 'new: label'\n",
    );
}

#[test]
fn change_of_a_key_in_flow_style_is_refused() {
    let file = "clients:\n  A:\n    keys:\n      - {digest: DIGEST_A, label: x}\n";
    for edit in [LABEL, NO_LABEL, EXPIRY] {
        refused(file, edit, &flow_style(4));
    }
}

#[test]
fn empty_change_of_a_key_writes_nothing() {
    let file = "clients: {A: {keys: [{digest: DIGEST_A, label: 'new: label'}]}}\n";
    for edit in [LABEL, NO_EXPIRY] {
        edited(file, edit, file);
    }
}
