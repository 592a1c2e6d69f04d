//! Empty places, in every notation of an empty value.

use super::{edited, made};
use crate::editing::fixture::new;

#[test]
fn empty_file_gets_its_first_client() {
    edited("", |store| store.add_client("A"), "clients:\n  A:\n");
    assert_eq!(made("\n\n", &|store| store.add_client("A")), "\n\nclients:\n  A:\n");
    edited("# Alone.\n", |store| store.add_client("A"), "# Alone.\nclients:\n  A:\n");
    edited("---\n", |store| store.add_client("A"), "---\nclients:\n  A:\n");
    edited("---\n# c\n...\n", |store| store.add_client("A"), "---\n# c\nclients:\n  A:\n...\n");
    edited("~   # nothing\n", |store| store.add_client("A"), "   # nothing\nclients:\n  A:\n");
    edited("{ }   # nothing\n", |store| store.add_client("A"), "   # nothing\nclients:\n  A:\n");
    edited("--- null\n# c\n", |store| store.add_client("A"), "---\n# c\nclients:\n  A:\n");
}

#[test]
fn empty_clients_get_their_first_client() {
    for nothing in ["", " ~", " null", " Null", " NULL", " {}", " { }"] {
        edited(
            &format!("clients:{nothing}   # none yet\n# Tail.\n"),
            |store| store.add_client("A"),
            "clients:   # none yet\n  A:\n# Tail.\n",
        );
    }
    edited("clients:\n\n", |store| store.add_client("A"), "clients:\n  A:\n\n");
    edited(
        "clients:\n  # None yet.\napi_key: KEY_A\n",
        |store| store.add_client("A"),
        "clients:\n  A:\n  # None yet.\napi_key: KEY_A\n",
    );
}

#[test]
fn empty_client_gets_its_first_key() {
    for nothing in ["", " ~", " null", " {}", " { }"] {
        edited(
            &format!("clients:\n  A:{nothing}   # new\n  # About B.\n  B:\n"),
            |store| store.issue("A", new('A')),
            "clients:\n  A:   # new\n    keys:\n      - digest: DIGEST_A\n        created: 2026-11-24T10:00:00Z\n  # About B.\n  B:\n",
        );
    }
}

#[test]
fn empty_keys_get_their_first_key() {
    for nothing in ["", " ~", " null", " []", " [ ]"] {
        edited(
            &format!("clients:\n  A:\n    keys:{nothing}   # none yet\n    enabled: true\n"),
            |store| store.issue("A", new('A')),
            "clients:\n  A:\n    keys:   # none yet\n      - digest: DIGEST_A\n        created: 2026-11-24T10:00:00Z\n    enabled: true\n",
        );
    }
}

#[test]
fn empty_value_on_its_own_line_is_removed() {
    edited(
        "clients:\n  A:\n    {}\n  B:\n",
        |store| store.disable_client("A"),
        "clients:\n  A:\n    enabled: false\n  B:\n",
    );
    edited(
        "clients:\n  A:\n    keys:\n      []   # none\n",
        |store| store.issue("A", new('A')),
        "clients:\n  A:\n    keys:\n   # none\n      - digest: DIGEST_A\n        created: 2026-11-24T10:00:00Z\n",
    );
}

#[test]
fn empty_value_over_several_lines_is_removed() {
    edited(
        "clients:\n  A:\n    keys: [\n\n    ]\n",
        |store| store.issue("A", new('A')),
        "clients:\n  A:\n    keys:\n      - digest: DIGEST_A\n        created: 2026-11-24T10:00:00Z\n",
    );
    edited("{\n}\n", |store| store.add_client("A"), "clients:\n  A:\n");
}
