//! Keys that are removed.

use keygate::YamlStore;
use keygate::manage::{KeyInfo, ManageError, PurgeKeys};

use super::{edited, flow_style, refused};
use crate::editing::fixture::now;

fn purge(store: &YamlStore) -> Result<Vec<KeyInfo>, ManageError> {
    store.purge_keys(&PurgeKeys::new().revoked_before(now()).expired_before(now()))
}

#[test]
fn only_the_lines_of_a_purged_key_are_removed() {
    for (before, after) in [
        (
            "      # The first.\n      - digest: DIGEST_A   # a\n        revoked: 2026-01-01T00:00:00Z\n\n      # The second.\n      - digest: DIGEST_B   # b\n",
            "      # The first.\n\n      # The second.\n      - digest: DIGEST_B   # b\n",
        ),
        (
            "      - digest: DIGEST_B\n      - revoked: 2026-01-01T00:00:00Z\n        # Why.\n        digest: DIGEST_A\n",
            "      - digest: DIGEST_B\n",
        ),
        (
            "      - {digest: DIGEST_A, revoked: 2026-01-01T00:00:00Z}   # a\n      - {digest: DIGEST_B}\n",
            "      - {digest: DIGEST_B}\n",
        ),
        (
            "      - digest: DIGEST_A\n        revoked: 2026-01-01T00:00:00Z\n      - digest: DIGEST_B\n        expires: 2026-01-01T00:00:00Z\n      - digest: DIGEST_C\n",
            "      - digest: DIGEST_C\n",
        ),
    ] {
        let file = |keys: &str| {
            format!(
                "# top\nclients:\n  A:   # the client\n    keys:   # all\n{keys}  B:\n    keys: []\n# end\n"
            )
        };
        edited(&file(before), purge, &file(after));
    }
}

/// A comment before the first key stays, and the field with it.
#[test]
fn field_is_removed_with_its_last_key() {
    let dead = "      - digest: DIGEST_A   # a\n        revoked: 2026-01-01T00:00:00Z\n";
    for (keys, kept) in [
        ("    keys:\n", ""),
        ("    keys:\n      # The first.\n", "    keys:\n      # The first.\n"),
        ("    keys:   # all\n", "    keys:   # all\n"),
    ] {
        let file =
            |keys: &str| format!("clients:\n  A:   # the client\n{keys}    scopes: [a]\n  B:\n");
        edited(&file(&format!("{keys}{dead}")), purge, &file(kept));
        let file = |keys: &str| format!("clients:\n  A:   # the client\n{keys}  B:\n");
        edited(
            &file(&format!("{keys}{dead}{dead}").replacen("DIGEST_A", "DIGEST_B", 1)),
            purge,
            &file(kept),
        );
    }
}

#[test]
fn kept_key_no_longer_names_a_purged_successor() {
    let revoked = |store: &YamlStore| store.purge_keys(&PurgeKeys::new().revoked_before(now()));
    edited(
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_B\n        replaced_by: ID_A   # new\n        expires: 2026-01-01T00:00:00Z\n      - digest: DIGEST_A\n        revoked: 2026-01-01T00:00:00Z\n",
        revoked,
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_B\n        expires: 2026-01-01T00:00:00Z\n",
    );
}

#[test]
fn purge_of_nothing_writes_nothing() {
    let file = "clients: {A: {keys: [{digest: DIGEST_A}]}}\napi_keys: {KEY_B: A}\n";
    edited(file, purge, file);
    let dead = "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        revoked: 2026-01-01T00:00:00Z\n";
    edited(dead, |store| store.purge_keys(&PurgeKeys::new().revoked_before(now()).dry_run()), dead);
}

#[test]
fn keys_in_flow_style_are_refused() {
    for others in ["", ", {digest: DIGEST_B}"] {
        let file = format!(
            "clients:\n  A:\n    keys: [{{digest: DIGEST_A, revoked: 2026-01-01T00:00:00Z}}{others}]\n"
        );
        refused(&file, purge, &flow_style(3));
    }
}
