//! Keys that are added to a list of keys.

use std::time::{Duration, UNIX_EPOCH};

use super::edited;
use crate::editing::fixture::new;

const CREATED: &str = "created: 2026-11-24T10:00:00Z";

#[test]
fn key_is_added_after_the_others() {
    edited(
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_A   # first\n        label: 'old'\n\n      # Second.\n      - label: x\n        digest: DIGEST_B\n        # deep\n      # as deep\n    # less deep\n    enabled: true\n",
        |store| store.issue("A", new('C')),
        &format!(
            "clients:\n  A:\n    keys:\n      - digest: DIGEST_A   # first\n        label: 'old'\n\n      # Second.\n      - label: x\n        digest: DIGEST_B\n        # deep\n      # as deep\n      - digest: DIGEST_C\n        {CREATED}\n    # less deep\n    enabled: true\n"
        ),
    );
}

#[test]
fn label_and_expiry_are_written() {
    let end = UNIX_EPOCH + Duration::from_millis(1_800_000_000_120);
    edited(
        "clients:\n  A:\n    keys:\n",
        |store| store.issue("A", new('A').with_label("it's: #1").with_expiry(end)),
        &format!(
            "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        label: 'it''s: #1'\n        {CREATED}\n        expires: 2027-01-15T08:00:00.12Z\n"
        ),
    );
}

#[test]
fn lists_keep_their_indentation() {
    edited(
        "clients:\n  A:\n    keys:\n    - digest: DIGEST_A\n      label: x\n    scopes: [a]\n",
        |store| store.issue("A", new('B')),
        &format!(
            "clients:\n  A:\n    keys:\n    - digest: DIGEST_A\n      label: x\n    - digest: DIGEST_B\n      {CREATED}\n    scopes: [a]\n"
        ),
    );
    edited(
        "clients:\n A:\n  keys:\n       -    digest: DIGEST_A\n            label: x\n",
        |store| store.issue("A", new('B')),
        &format!(
            "clients:\n A:\n  keys:\n       -    digest: DIGEST_A\n            label: x\n       - digest: DIGEST_B\n         {CREATED}\n"
        ),
    );
}

#[test]
fn keys_in_flow_style_stay_beside_a_new_one() {
    edited(
        "clients:\n  A:\n    keys:\n      - {digest: DIGEST_A}   # one\n",
        |store| store.issue("A", new('B')),
        &format!(
            "clients:\n  A:\n    keys:\n      - {{digest: DIGEST_A}}   # one\n      - digest: DIGEST_B\n        {CREATED}\n"
        ),
    );
    edited(
        "clients:\n  A:\n    keys:   # all\n    # first\n    - {digest: DIGEST_A}\n",
        |store| store.issue("A", new('B')),
        &format!(
            "clients:\n  A:\n    keys:   # all\n    # first\n    - {{digest: DIGEST_A}}\n    - digest: DIGEST_B\n      {CREATED}\n"
        ),
    );
}

#[test]
fn client_without_a_list_of_keys_gets_one() {
    edited(
        "clients:\n  A:\n    # About scopes.\n    scopes: [a]   # one\n    # Deep.\n\n  B:\n",
        |store| store.issue("A", new('A')),
        &format!(
            "clients:\n  A:\n    # About scopes.\n    scopes: [a]   # one\n    # Deep.\n    keys:\n      - digest: DIGEST_A\n        {CREATED}\n\n  B:\n"
        ),
    );
}

#[test]
fn client_of_the_short_form_gets_an_entry_in_clients() {
    edited(
        "api_keys:\n  KEY_A: User 1\n",
        |store| store.issue("User 1", new('B')),
        &format!(
            "api_keys:\n  KEY_A: User 1\nclients:\n  User 1:\n    keys:\n      - digest: DIGEST_B\n        {CREATED}\n"
        ),
    );
    edited(
        "api_keys: {KEY_A: User 1}\n",
        |store| store.issue("User 1", new('B')),
        &format!(
            "api_keys: {{KEY_A: User 1}}\nclients:\n  User 1:\n    keys:\n      - digest: DIGEST_B\n        {CREATED}\n"
        ),
    );
}

#[test]
fn text_on_the_next_line_ends_there() {
    for text in ["one", "'one'", "\"one\""] {
        edited(
            &format!(
                "clients:\n  A:\n    metadata:\n      note:\n        {text}   # c\n\n  # About B.\n  B:\n"
            ),
            |store| store.issue("A", new('A')),
            &format!(
                "clients:\n  A:\n    metadata:\n      note:\n        {text}   # c\n    keys:\n      - digest: DIGEST_A\n        {CREATED}\n\n  # About B.\n  B:\n"
            ),
        );
    }
}

#[test]
fn separating_tabs_are_kept() {
    edited(
        "clients:\t# all\n  A:\t\n    scopes:\t[a]\t# one\n    keys:\t\t\n      - digest:\tDIGEST_A\t# one\n",
        |store| store.issue("A", new('B')),
        &format!(
            "clients:\t# all\n  A:\t\n    scopes:\t[a]\t# one\n    keys:\t\t\n      - digest:\tDIGEST_A\t# one\n      - digest: DIGEST_B\n        {CREATED}\n"
        ),
    );
}
