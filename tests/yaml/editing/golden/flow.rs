//! Flow style (between brackets, as in JSON), which is read and not edited.

use std::time::Duration;

use keygate::manage::{ManageError, TransferKeys as _};
use keygate::{MemoryStore, YamlStore};

use super::{edited, flow_style, refused};
use crate::editing::fixture::{Folder, fill, id, new, open};

type Edit = fn(&YamlStore) -> Result<(), ManageError>;

const ADD: Edit = |store| store.add_client("New").map(drop);
const ENABLE: Edit = |store| store.enable_client("A").map(drop);
const DISABLE: Edit = |store| store.disable_client("A").map(drop);
const REMOVE: Edit = |store| store.remove_client("A").map(drop);
const ISSUE: Edit = |store| store.issue("A", new('H')).map(drop);
const ROTATE: Edit = |store| store.rotate(&id('A'), new('H'), Duration::ZERO).map(drop);
const REVOKE: Edit = |store| store.revoke(&id('A')).map(drop);
const HASH: Edit = |store| store.hash_keys().map(drop);

/// A file, the line that its refusals name, and the edits that are refused.
const CASES: [(&str, usize, &[Edit]); 16] = [
    ("{\"api_keys\": {\"KEY_A\": \"A\"}}\n", 1, &[ADD, DISABLE, ISSUE, ROTATE, REVOKE, HASH]),
    ("# c\n{api_key: KEY_A}\n", 2, &[ADD, ROTATE, REVOKE, HASH]),
    ("{version: 1}\n", 1, &[ADD]),
    ("{   # c\n}\n", 1, &[ADD]),
    (
        "{\n  \"clients\": {\n    \"A\": {\"keys\": [{\"digest\": \"DIGEST_A\"}]}\n  }\n}\n",
        1,
        &[ADD, DISABLE, ISSUE, ROTATE, REVOKE],
    ),
    ("{clients: {A: {enabled: false}}}\n", 1, &[ENABLE, REMOVE]),
    ("version: 1\napi_keys: {KEY_A: A}\n", 2, &[ROTATE, REVOKE, HASH]),
    ("clients:\n  A:\n    enabled: false\napi_keys: {KEY_A: A, KEY_B: B}\n", 4, &[REMOVE]),
    ("version: 1\nclients: {A: }\n", 2, &[ADD, DISABLE, ISSUE]),
    ("clients: {\n    # c\n  }\n", 1, &[ADD]),
    ("clients:\n  {A: {enabled: false}}\n", 2, &[ADD, ENABLE, REMOVE, ISSUE]),
    (
        "api_keys:\n  KEY_A: A\nclients:\n  A: {scopes: [a]}\n",
        4,
        &[DISABLE, ISSUE, ROTATE, REVOKE, HASH],
    ),
    ("clients:\n  A: {enabled: false}\n", 2, &[ENABLE]),
    (
        "api_keys:\n  KEY_A: A\nclients:\n  A:\n    keys: [{digest: DIGEST_B}]\n",
        5,
        &[ISSUE, ROTATE, REVOKE, HASH],
    ),
    ("clients:\n  A:\n    keys: [digest: DIGEST_A]\n", 3, &[ISSUE, ROTATE, REVOKE]),
    ("clients:\n  A:\n    keys:\n      - {digest: DIGEST_A}\n", 4, &[ROTATE, REVOKE]),
];

#[test]
fn dry_run_is_refused_or_succeeds_without_changes() {
    let folder = Folder::new();
    for (text, refused) in [("clients: {A: {scopes: [a]}}\n", true), ("clients:\n  A:\n", false)] {
        let path = folder.file("keys.yml", text);
        let store = open(&path);
        let tried = store.dry_run().issue("A", new('H'));
        assert_eq!(matches!(tried, Err(ManageError::NotEditable { .. })), refused, "{tried:?}");
        assert_eq!(tried.is_err(), refused);
        assert_eq!(crate::editing::fixture::read(&path), text);
        assert_eq!((store.len(), folder.names()), (0, vec!["keys.yml".into()]));
    }
}

#[test]
fn edits_inside_flow_style_are_refused() {
    for (file, line, edits) in CASES {
        for edit in edits {
            refused(file, edit, &flow_style(line));
        }
    }
}

#[tokio::test]
async fn import_into_flow_style_is_refused() {
    let other = MemoryStore::new();
    for name in ["A", "New"] {
        other.add_client(name).unwrap();
    }
    other.issue("A", new('H')).unwrap();
    let holdings = other.export_keys().await.unwrap();
    for (file, line) in [
        ("{\"clients\": {\"A\": {}}}\n", 1),
        ("clients: {A: {}}\n", 1),
        ("clients:\n  New:\n  A:\n    keys: [{digest: DIGEST_A}]\n", 4),
    ] {
        let folder = Folder::new();
        let path = folder.file("keys.yml", fill(file));
        let error = open(&path).import_keys(&holdings).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{}: {}", path.display(), flow_style(line)),
            "{file}"
        );
        assert_eq!(crate::editing::fixture::read(&path), fill(file));
    }
}

#[test]
fn scopes_quota_and_metadata_in_flow_style_are_edited() {
    edited(
        "clients:\n  A:\n    scopes: [a]\n    quota: [{rate: 1/day, burst: 2}]\n    metadata: {\n      k: v\n    }\n",
        |store| store.issue("A", new('A')),
        "clients:\n  A:\n    scopes: [a]\n    quota: [{rate: 1/day, burst: 2}]\n    metadata: {\n      k: v\n    }\n    keys:\n      - digest: DIGEST_A\n        created: 2026-11-24T10:00:00Z\n",
    );
}

#[test]
fn flow_style_beside_the_change_is_kept() {
    edited(
        "api_keys: {KEY_A: B}\nclients:\n  B: {keys: [{digest: DIGEST_B}]}\n  A:\n",
        |store| store.issue("A", new('C')),
        "api_keys: {KEY_A: B}\nclients:\n  B: {keys: [{digest: DIGEST_B}]}\n  A:\n    keys:\n      - digest: DIGEST_C\n        created: 2026-11-24T10:00:00Z\n",
    );
}
