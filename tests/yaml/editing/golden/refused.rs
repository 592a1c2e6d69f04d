//! Refused changes, which leave everything unchanged.

use std::time::Duration;

use keygate::manage::{ClientChange, KeyChange, ManageError, PurgeKeys};
use keygate::{ClientProfile, YamlStore};

use super::refused;
use crate::editing::fixture::{fill, id, new, now};

/// The refusal of a layout.
fn layout(line: usize) -> String {
    format!(
        "line {line} is laid out in a way that cannot be edited: write each client and each key on \
         separate lines, without `?`, or let `keygate export` write the file; nothing was changed"
    )
}

type Edit = fn(&YamlStore) -> Result<(), ManageError>;

#[test]
fn unusual_layouts_are_refused_with_their_line() {
    let issue: Edit = |store| store.issue("A", new('C')).map(drop);
    let disable: Edit = |store| store.disable_client("A").map(drop);
    let purge: Edit = |store| store.purge_keys(&PurgeKeys::new().revoked_before(now())).map(drop);
    let cases = [
        ("clients:\n  ? A\n  ? B\n", 2, disable),
        ("clients:\n  ? A   # a: b\n  :   # c\n    keys: []\n", 4, disable),
        ("clients:\n  A:\n    keys:\n      - # production\n        digest: DIGEST_A\n", 4, issue),
        ("clients:\n  A:\n    keys:\n    -\n      digest: DIGEST_A\n", 4, issue),
        (
            "clients:\n  A:\n    keys:\n    -\n      digest: DIGEST_A\n      revoked: 2026-01-01T00:00:00Z\n",
            3,
            purge,
        ),
        ("clients:\n  A:\n    ? keys\n    : - digest: DIGEST_A\n", 4, issue),
    ];
    for (text, line, edit) in cases {
        refused(text, edit, &layout(line));
    }
}

#[test]
fn refused_changes_leave_the_file_unchanged() {
    let file = "api_keys:\n  KEY_A: User 1   # c\nclients:\n  App 1:\n";
    refused(
        file,
        |store| store.add_client("User 1"),
        "there is already a client `User 1`: choose another name, or issue a key to it",
    );
    refused(
        file,
        |store| store.add_client("two\nlines"),
        "the name of the client contains a control character or a line end",
    );
    refused(
        file,
        |store| store.add_client(ClientProfile::new("n").with_metadata([("k", "v".repeat(4096))])),
        "the metadata of the client is longer than 4096 bytes in all",
    );
    refused(
        file,
        |store| store.disable_client("App"),
        "there is no client of this name; the nearest is `App 1`",
    );
    refused(
        file,
        |store| store.remove_client("App 1"),
        "the client `App 1` is enabled: disable it first, and remove it once it is no longer needed",
    );
    refused(
        file,
        |store| store.issue("App 1", new('A')),
        "this key is already in the store, as ID_A: give each client its own key",
    );
}

#[test]
fn store_made_from_a_text_is_read_only() {
    let store: YamlStore = fill("api_keys:\n  KEY_A: User 1\n").parse().unwrap();
    let message = "this store is read-only: the store was created from a text: open a file to be able to change it";
    let said = [
        store.add_client("A").unwrap_err(),
        store.enable_client("User 1").unwrap_err(),
        store.disable_client("User 1").unwrap_err(),
        store.remove_client("User 1").unwrap_err(),
        store.issue("User 1", new('B')).unwrap_err(),
        store.update_client("User 1", ClientChange::new()).unwrap_err(),
        store.update_key(&id('A'), KeyChange::new()).unwrap_err(),
        store.revoke(&id('A')).unwrap_err(),
        store.rotate(&id('A'), new('B'), Duration::ZERO).unwrap_err(),
        store.hash_keys().unwrap_err(),
    ];
    for error in said {
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(store.list_keys(None).unwrap().len(), 1);
}

fn elsewhere(line: usize) -> String {
    format!(
        "line {line} also contains one of these keys, perhaps in a comment: remove it there first; nothing was changed"
    )
}

#[test]
fn key_in_a_comment_is_reported_before_hashing() {
    for (text, line) in [
        ("# was KEY_B, then KEY_A\napi_keys:\n  KEY_A: User 1\n", 1),
        ("api_keys:\n  KEY_A: User 1   # (KEY_A)\n", 2),
        ("api_keys:\n  KEY_A: User 1\n# x-api-key:KEY_A\n", 3),
        ("api_keys:\n  KEY_A: User 1\n# https://example/?key=KEY_A&x=1\n", 3),
        ("api_keys:\n  KEY_A: User 1\n# KEY_A.\n", 3),
        ("api_keys:\n  KEY_A: User 1\n  # KEY_A: User 2\n", 3),
        ("clients:\n  B:\n    metadata: {key: KEY_A}\napi_key: 'KEY_A'\n", 3),
        ("api_keys:\n  KEY_A: # new\n    # was KEY_A\n    User 1\n", 3),
        ("api_keys:\n  KEY_A: KEY_A\n", 2),
        ("api_keys:\n  KEY_A: KEY_B\n  KEY_B: x\n", 2),
    ] {
        refused(text, YamlStore::hash_keys, &elsewhere(line));
    }
}

#[test]
fn weak_key_is_found_as_a_word_in_comments() {
    for comment in
        ["x=hunter2", "a/hunter2/b", "|hunter2|", "was.hunter2", "hunter2", "old-hunter2_"]
    {
        let text = format!("# {comment}\nallow_weak_keys: true\napi_key: hunter2\n");
        refused(&text, YamlStore::hash_keys, &elsewhere(1));
        let own = format!("allow_weak_keys: true\napi_key: hunter2   # {comment}\n");
        refused(&own, YamlStore::hash_keys, &elsewhere(2));
        let moving = format!(
            "allow_weak_keys: true\napi_keys:\n  KEY_A: User 1   # {comment}\n  hunter2: User 2\n"
        );
        refused(&moving, YamlStore::hash_keys, &elsewhere(3));
    }
}

#[test]
fn weak_key_is_found_as_a_word_in_free_texts() {
    for (clients, line) in [
        ("  A:\n    title: hunter2xyz\n", 6),
        (
            "  A:\n    scopes: ['*']\n    keys:\n      - digest: DIGEST_B\n        scopes: [hunter2xyz]\n",
            9,
        ),
        ("  A:\n    metadata:\n      n: hunter2xyz\n", 7),
        ("  A:\n    metadata:\n      hunter2xyz: n\n", 7),
        ("  A:\n    scopes:\n      - read\n      - old:hunter2xyz\n", 8),
        ("  A:\n    keys:\n      - digest: DIGEST_B\n        label: \"was\\x20hunter2xyz\"\n", 8),
        ("  B:\n  hunter2xyz:\n", 6),
    ] {
        let text =
            format!("allow_weak_keys: true\napi_keys:\n  hunter2xyz: A\nclients:\n{clients}");
        refused(&text, YamlStore::hash_keys, &elsewhere(line));
    }
    let text = "allow_weak_keys: true\napi_keys:\n  hunter2xyz: hunter2xyz\n";
    refused(text, YamlStore::hash_keys, &elsewhere(3));
}

#[test]
fn weak_key_that_is_a_field_name_is_hashed() {
    super::edited(
        "allow_weak_keys: true\napi_keys:\n  true: A\nclients:\n  A:\n    enabled: true\n    scopes: [truest]\n    quota: 7/second\n",
        YamlStore::hash_keys,
        "allow_weak_keys: true\nclients:\n  A:\n    enabled: true\n    scopes: [truest]\n    quota: 7/second\n    keys:\n      - digest: sha256:b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b\n",
    );
}

#[test]
fn short_keys_inside_other_words_are_hashed() {
    super::edited(
        "# A keys file, of the seventh.\nallow_weak_keys: true\napi_keys:\n  key: User 1\n  7: seven\n",
        YamlStore::hash_keys,
        "# A keys file, of the seventh.\nallow_weak_keys: true\nclients:\n  User 1:\n    keys:\n      - digest: sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\n  seven:\n    keys:\n      - digest: sha256:7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451\n",
    );
}
