//! Fields of clients and keys that are set.

use std::time::Duration;

use super::edited;
use crate::editing::fixture::{id, new};

const REVOKED: &str = "revoked: 2026-11-24T10:00:00Z";

#[test]
fn existing_enabled_field_is_changed() {
    edited(
        "clients:\n  A:\n    scopes: [a]\n    enabled: true   # for now\n",
        |store| store.disable_client("A"),
        "clients:\n  A:\n    scopes: [a]\n    enabled: false   # for now\n",
    );
    edited(
        "clients:\n  A:\n    'enabled': False\n    keys: []\n",
        |store| store.enable_client("A"),
        "clients:\n  A:\n    'enabled': true\n    keys: []\n",
    );
}

#[test]
fn enabled_field_is_added_before_other_fields() {
    edited(
        "clients:\n  A:   # a\n\n    # About scopes.\n    scopes: [a]\n    keys:\n      - digest: DIGEST_A\n",
        |store| store.disable_client("A"),
        "clients:\n  A:   # a\n    enabled: false\n\n    # About scopes.\n    scopes: [a]\n    keys:\n      - digest: DIGEST_A\n",
    );
}

#[test]
fn disabled_client_of_the_short_form_moves_to_clients() {
    edited(
        "api_keys:\n  KEY_A: User 1\n",
        |store| store.disable_client("User 1"),
        "api_keys:\n  KEY_A: User 1\nclients:\n  User 1:\n    enabled: false\n",
    );
}

#[test]
fn unchanged_value_keeps_its_spelling() {
    for text in ["clients:\n  A:\n    enabled: False   # off\n", "clients: {A: {enabled: FALSE}}\n"]
    {
        edited(text, |store| store.disable_client("A"), text);
    }
    for text in
        ["clients:\n  A:\n    enabled: True\n", "clients:\n  A:\n", "api_keys: {KEY_A: A}\n"]
    {
        edited(text, |store| store.enable_client("A"), text);
    }
    for text in [
        "clients:\n  A:\n    keys:\n      - revoked: '2026-11-01T14:00:00.50+02:00'   # why\n        digest: DIGEST_A\n",
        "clients:\n  A:\n    keys: [{digest: DIGEST_A, revoked: 2026-11-01t12:00:00z}]\n",
    ] {
        edited(text, |store| store.revoke(&id('A')), text);
    }
}

#[test]
fn revocation_is_added_after_other_fields() {
    edited(
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_A   # one\n        label: x   # two\n        # deep\n      # as deep as the dash\n      - digest: DIGEST_B\n",
        |store| store.revoke(&id('A')),
        &format!(
            "clients:\n  A:\n    keys:\n      - digest: DIGEST_A   # one\n        label: x   # two\n        # deep\n        {REVOKED}\n      # as deep as the dash\n      - digest: DIGEST_B\n"
        ),
    );
    edited(
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_B\n      -   digest: \"DIGEST_A\"\n",
        |store| store.revoke(&id('A')),
        &format!(
            "clients:\n  A:\n    keys:\n      - digest: DIGEST_B\n      -   digest: \"DIGEST_A\"\n          {REVOKED}\n"
        ),
    );
    edited(
        "clients:\n  A:\n    keys:\n      - {digest: DIGEST_B}\n      - digest: DIGEST_A\n",
        |store| store.revoke(&id('A')),
        &format!(
            "clients:\n  A:\n    keys:\n      - {{digest: DIGEST_B}}\n      - digest: DIGEST_A\n        {REVOKED}\n"
        ),
    );
}

#[test]
fn digests_in_capitals_are_found() {
    let digits =
        crate::editing::fixture::digest('A').to_text().replace("sha256:", "").to_uppercase();
    edited(
        &format!("clients:\n  A:\n    keys:\n      - digest: sha256:{digits}\n"),
        |store| store.revoke(&id('A')),
        &format!("clients:\n  A:\n    keys:\n      - digest: sha256:{digits}\n        {REVOKED}\n"),
    );
}

#[test]
fn rotation_sets_the_expiry_of_the_old_key() {
    let hour = Duration::from_secs(3600);
    let successor = "digest: DIGEST_B\n        label: x\n        created: 2026-11-24T10:00:00Z\n";
    edited(
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        label: x\n        expires: 2030-01-01T00:00:00Z   # by contract\n\n  B:\n",
        |store| store.rotate(&id('A'), new('B'), hour),
        &format!(
            "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        label: x\n        expires: 2026-11-24T11:00:00Z   # by contract\n        replaced_by: ID_B\n      - {successor}        expires: 2030-01-01T00:00:00Z\n\n  B:\n"
        ),
    );
    edited(
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        label: x\n",
        |store| store.rotate(&id('A'), new('B'), Duration::ZERO),
        &format!(
            "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        label: x\n        expires: 2026-11-24T10:00:00Z\n        replaced_by: ID_B\n      - {successor}"
        ),
    );
    // The old key never expires if the grace is endless.
    edited(
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        label: x\n",
        |store| store.rotate(&id('A'), new('B'), Duration::MAX),
        &format!(
            "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        label: x\n        replaced_by: ID_B\n      - {successor}"
        ),
    );
}

#[test]
fn unchanged_expiry_keeps_its_spelling() {
    edited(
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        expires: '2026-11-24T12:30:00.0+02:00'\n        label: x\n",
        |store| store.rotate(&id('A'), new('B'), Duration::from_secs(3600)),
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        expires: '2026-11-24T12:30:00.0+02:00'\n        label: x\n        replaced_by: ID_B\n      - digest: DIGEST_B\n        label: x\n        created: 2026-11-24T10:00:00Z\n        expires: 2026-11-24T10:30:00Z\n",
    );
}
