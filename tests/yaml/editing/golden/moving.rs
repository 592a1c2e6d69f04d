//! Keys of the short forms, which become digests when they change.

use std::time::Duration;

use keygate::YamlStore;

use super::edited;
use crate::editing::fixture::{id, new};

const REVOKED: &str = "revoked: 2026-11-24T10:00:00Z";

#[test]
fn field_is_removed_with_its_last_plaintext_key() {
    edited(
        "# Head.\napi_key: KEY_A   # the one\n# Tail.\n",
        |store| store.revoke(&id('A')),
        &format!(
            "# Head.\n# Tail.\nclients:\n  default:\n    keys:\n      - digest: DIGEST_A  # the one\n        {REVOKED}\n"
        ),
    );
    edited(
        "# Head.\napi_keys:\n    # About A.\n    KEY_A: User 1   # the one\n\n# Tail.\n",
        |store| store.revoke(&id('A')),
        &format!(
            "# Head.\napi_keys:\n    # About A.\n\n# Tail.\nclients:\n  User 1:\n    keys:\n      - digest: DIGEST_A  # the one\n        {REVOKED}\n"
        ),
    );
}

#[test]
fn other_plaintext_keys_stay() {
    edited(
        "api_keys:   # all\n    # About A.\n    KEY_A: User 1\n\n    # About B.\n    'KEY_B':   \"User 2\"   # two\n    KEY_C: User 1   # three\n# Tail.\n",
        |store| store.revoke(&id('B')),
        &format!(
            "api_keys:   # all\n    # About A.\n    KEY_A: User 1\n\n    # About B.\n    KEY_C: User 1   # three\n# Tail.\nclients:\n  User 2:\n    keys:\n      - digest: DIGEST_B  # two\n        {REVOKED}\n"
        ),
    );
}

#[test]
fn field_with_a_comment_stays_without_keys() {
    edited(
        "api_keys:   # all\n  KEY_A: User 1\n",
        |store| store.revoke(&id('A')),
        &format!(
            "api_keys:   # all\nclients:\n  User 1:\n    keys:\n      - digest: DIGEST_A\n        {REVOKED}\n"
        ),
    );
}

#[test]
fn comments_of_a_key_move_with_it() {
    edited(
        "api_keys:\n  KEY_A: U   # one\n  KEY_B: V   # two\nclients:\n  U:\n",
        |store| store.revoke(&id('A')),
        &format!(
            "api_keys:\n  KEY_B: V   # two\nclients:\n  U:\n    keys:\n      - digest: DIGEST_A  # one\n        {REVOKED}\n"
        ),
    );
    // This includes comments between the key and the name of its client.
    edited(
        "api_keys:\n  KEY_A: # one\n    # two\n\n    U   # three\n  ? KEY_B # four\n  : # five\n    V\n",
        YamlStore::hash_keys,
        "clients:\n  U:\n    keys:\n      - digest: DIGEST_A  # one  # two  # three\n  V:\n    keys:\n      - digest: DIGEST_B  # four  # five\n",
    );
    edited(
        "api_key: # one\n  KEY_A\n",
        |store| store.revoke(&id('A')),
        &format!(
            "clients:\n  default:\n    keys:\n      - digest: DIGEST_A  # one\n        {REVOKED}\n"
        ),
    );
    // A comment that contains the key is not moved.
    edited(
        "api_key: KEY_A   # was KEY_A\n# KEY_A\n",
        |store| store.revoke(&id('A')),
        &format!(
            "# KEY_A\nclients:\n  default:\n    keys:\n      - digest: DIGEST_A\n        {REVOKED}\n"
        ),
    );
}

#[test]
fn key_that_is_rotated_moves_with_its_successor() {
    edited(
        "api_keys:\n  KEY_A: User 1   # one\nclients:\n  User 1:\n    keys:\n      - digest: DIGEST_B\n",
        |store| store.rotate(&id('A'), new('C'), Duration::from_secs(3600)),
        "clients:\n  User 1:\n    keys:\n      - digest: DIGEST_B\n      - digest: DIGEST_A  # one\n        expires: 2026-11-24T11:00:00Z\n        replaced_by: ID_C\n      - digest: DIGEST_C\n        created: 2026-11-24T10:00:00Z\n",
    );
}

#[test]
fn explicit_keys_move_too() {
    edited(
        "api_keys:\n  ? KEY_A\n  : User 1   # one\n  ? KEY_B\n  : User 2\n",
        |store| store.revoke(&id('A')),
        &format!(
            "api_keys:\n  ? KEY_B\n  : User 2\nclients:\n  User 1:\n    keys:\n      - digest: DIGEST_A  # one\n        {REVOKED}\n"
        ),
    );
    edited(
        "? api_keys\n:\n  KEY_A: User 1\n",
        |store| store.revoke(&id('A')),
        &format!(
            "? api_keys\n:\nclients:\n  User 1:\n    keys:\n      - digest: DIGEST_A\n        {REVOKED}\n"
        ),
    );
    edited(
        "? api_key\n: KEY_A\n",
        |store| store.revoke(&id('A')),
        &format!("clients:\n  default:\n    keys:\n      - digest: DIGEST_A\n        {REVOKED}\n"),
    );
}

#[test]
fn hashing_moves_each_key_to_its_client() {
    edited(
        "api_key: KEY_A   # first\nallow_weak_keys: false\napi_keys:\n  # People.\n  KEY_B: User 1\n  KEY_C: App 1   # an app\n  KEY_D: User 1\nclients:\n  App 1:   # known\n    scopes: [a]\n",
        |store| store.hash_keys().inspect(|count| assert_eq!(*count, 4)),
        "allow_weak_keys: false\napi_keys:\n  # People.\nclients:\n  App 1:   # known\n    scopes: [a]\n    keys:\n      - digest: DIGEST_C  # an app\n  default:\n    keys:\n      - digest: DIGEST_A  # first\n  User 1:\n    keys:\n      - digest: DIGEST_B\n      - digest: DIGEST_D\n",
    );
}

#[test]
fn hashing_without_plaintext_keys_changes_nothing() {
    for text in
        ["", "# c\n", "api_keys: {}   # none\n", "clients:\n  A: {keys: [{digest: DIGEST_A}]}\n"]
    {
        edited(text, |store| store.hash_keys().inspect(|count| assert_eq!(*count, 0)), text);
    }
}

#[test]
fn hashed_keys_move_to_clients_above_them() {
    edited(
        "clients:\n  User 1:\n\napi_keys:\n  KEY_A: User 1\n  KEY_B: User 2\n",
        YamlStore::hash_keys,
        "clients:\n  User 1:\n    keys:\n      - digest: DIGEST_A\n  User 2:\n    keys:\n      - digest: DIGEST_B\n\n",
    );
}

#[test]
fn keys_of_the_readme_are_hashed() {
    edited(
        "api_keys:\n    KEY_A: User 1\n    KEY_B: User 2\n    KEY_C: App 1\n",
        YamlStore::hash_keys,
        "clients:\n  User 1:\n    keys:\n      - digest: DIGEST_A\n  User 2:\n    keys:\n      - digest: DIGEST_B\n  App 1:\n    keys:\n      - digest: DIGEST_C\n",
    );
}
