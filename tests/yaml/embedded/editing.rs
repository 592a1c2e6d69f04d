//! Changes of the keys in an application's own file. The bytes of the application are unchanged.

use std::time::Duration;

use keygate::YamlStore;
use keygate::client::ClientProfile;
use keygate::manage::{ClientChange, KeyChange, ManageError, Policy};

use super::{AFTER, BEFORE};
use crate::editing::fixture::{Folder, fill, id, new, now, read};

/// Opens a file, changes it, and returns its text.
#[track_caller]
fn edited(
    section: &str,
    before: &str,
    change: impl Fn(&YamlStore) -> Result<(), ManageError>,
) -> Result<String, ManageError> {
    let folder = Folder::new();
    let path = folder.file("config.yml", fill(before));
    let options = YamlStore::options().section(section);
    let store = options.open(&path).unwrap_or_else(|error| panic!("{error}\n{before}"));
    let changed = change(&store.clone().with_clock(now));
    let text = read(&path);
    let again = options.open(&path).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.list_clients(), store.list_clients(), "{text}");
    assert_eq!(again.list_keys(None).unwrap(), store.list_keys(None).unwrap(), "{text}");
    match changed {
        Ok(()) => Ok(text),
        Err(error) => {
            assert_eq!(text, fill(before), "a refused change has changed the file");
            Err(error)
        }
    }
}

#[track_caller]
fn edits(
    section: &str,
    before: &str,
    after: &str,
    change: impl Fn(&YamlStore) -> Result<(), ManageError>,
) {
    let found = edited(section, before, change).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found, fill(after));
}

fn add_app(store: &YamlStore) -> Result<(), ManageError> {
    store.add_client(ClientProfile::new("App 1").with_quota("1/day".parse().unwrap())).map(drop)
}

const ADDED: &str = "  clients:\n    App 1:\n      quota: 1/day\n";

#[test]
fn section_is_added_at_the_end() {
    let keys = "api_keys:\n  KEY_A: User 1\n";
    let before = format!("{BEFORE}{keys}{AFTER}");
    edits("keygate", &before, &format!("{before}keygate:\n{ADDED}"), add_app);
    // In a file without a final line end, or that ends with `...`.
    edits("keygate", "x: 1\napi_keys:", &format!("x: 1\napi_keys:\nkeygate:\n{ADDED}"), add_app);
    edits(
        "keygate",
        "---\napi_keys:\n...\n",
        &format!("---\napi_keys:\nkeygate:\n{ADDED}...\n"),
        add_app,
    );
    let nested = ADDED.replace("\n  ", "\n    ").replace("  clients", "    clients");
    edits("a.b", "x: 1\napi_keys:\n", &format!("x: 1\napi_keys:\na:\n  b:\n{nested}"), add_app);
}

#[test]
fn section_that_exists_is_filled() {
    for empty in ["keygate:\n", "keygate: {}\n", "keygate: ~\n", "keygate:\n  clients:\n"] {
        let before = format!("{BEFORE}{empty}{AFTER}");
        edits("keygate", &before, &format!("{BEFORE}keygate:\n{ADDED}{AFTER}"), add_app);
    }
    let before = format!("{BEFORE}keygate:\n  allow_weak_keys: true # why\n{AFTER}");
    let after = format!("{BEFORE}keygate:\n  allow_weak_keys: true # why\n{ADDED}{AFTER}");
    edits("keygate", &before, &after, add_app);
}

#[test]
fn missing_part_of_the_path_is_added() {
    let nested = ADDED.replace("\n  ", "\n    ").replace("  clients", "    clients");
    let auth = "auth:\n  realm: &r x\n  list:\n  - *r\n";
    let before = format!("{BEFORE}api_keys:\n{auth}{AFTER}");
    let after = format!("{BEFORE}api_keys:\n{auth}  keys:\n{nested}{AFTER}");
    edits("auth.keys", &before, &after, add_app);
    let before = format!("{BEFORE}api_keys:\nauth:\n{AFTER}");
    edits(
        "auth.keys",
        &before,
        &format!("{BEFORE}api_keys:\nauth:\n  keys:\n{nested}{AFTER}"),
        add_app,
    );
}

#[test]
fn keys_and_clients_of_the_section_change_in_place() {
    let text = |rest: &str| {
        format!(
            "{BEFORE}keygate:\n  # ours\n  clients:\n    App 1: # the app\n{rest}  version: 1 # of the format\n{AFTER}"
        )
    };
    let old = "      keys:\n        - digest: DIGEST_A\n";
    let label = "          label: x\n";
    edits("keygate", &text(old), &text(&format!("{old}{label}")), |store| {
        store.update_key(&id('A'), KeyChange::new().with_label("x")).map(drop)
    });
    let revoked = "          revoked: 2026-11-24T10:00:00Z\n";
    edits("keygate", &text(old), &text(&format!("{old}{revoked}")), |store| {
        store.revoke(&id('A')).map(drop)
    });
    edits("keygate", &text(old), &text(&format!("      scopes: [a]\n{old}")), |store| {
        let change = ClientChange::new().with_scopes(["a".parse().unwrap()]);
        store.update_client("App 1", change).map(drop)
    });
    let policy = text(old).replace(AFTER, "");
    edits(
        "keygate",
        &text(old),
        &format!("{policy}  policy: {{require_expiry: true}}\n{AFTER}"),
        |store| store.update_policy(Policy::new().require_expiry()).map(drop),
    );
}

#[test]
fn plaintext_keys_become_digests_in_the_section() {
    let before = format!("{BEFORE}api_keys:\n  KEY_A: User 1 # first\n  KEY_B: User 1\n{AFTER}");
    let digests = "keygate:\n  clients:\n    User 1:\n      keys:\n        - digest: DIGEST_A  # first\n        - digest: DIGEST_B\n";
    edits("keygate", &before, &format!("{BEFORE}{AFTER}{digests}"), |store| {
        store.hash_keys().map(|count| assert_eq!(count, 2))
    });
    // A key at the top and one in the section.
    let before = format!("api_key: KEY_A\nx: 1\nkeygate:\n  api_keys:\n    KEY_B: User 1\n{AFTER}");
    let after = format!(
        "x: 1\nkeygate:\n  clients:\n    default:\n      keys:\n        - digest: DIGEST_A\n    User 1:\n      keys:\n        - digest: DIGEST_B\n{AFTER}"
    );
    edits("keygate", &before, &after, |store| store.hash_keys().map(drop));
}

#[test]
fn last_key_leaves_a_section_without_clients() {
    let before = format!("{BEFORE}api_keys:\n  KEY_A: User 1\n{AFTER}");
    edits("keygate", &before, &format!("{BEFORE}{AFTER}keygate:\n  clients:\n"), |store| {
        store.disable_client("User 1")?;
        store.enable_client("User 1")?;
        store.disable_client("User 1")?;
        store.remove_client("User 1").map(drop)
    });
}

type Change = fn(&YamlStore) -> Result<(), ManageError>;

#[test]
fn every_change_keeps_the_rest_of_the_file() {
    let before = format!("{BEFORE}api_keys:\n  KEY_A: User 1\n{AFTER}");
    let changes: [(&str, Change); 7] = [
        ("add", add_app),
        ("disable", |store| store.disable_client("User 1").map(drop)),
        ("issue", |store| store.issue("User 1", new('B')).map(drop)),
        ("revoke", |store| store.revoke(&id('A')).map(drop)),
        ("rotate", |store| store.rotate(&id('A'), new('B'), Duration::from_secs(60)).map(drop)),
        ("hash", |store| store.hash_keys().map(drop)),
        ("policy", |store| store.update_policy(Policy::new().require_expiry()).map(drop)),
    ];
    for (name, change) in changes {
        let text =
            edited("keygate", &before, change).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.starts_with(BEFORE), "{name}: {text}");
        assert!(text.contains(&format!("\n{AFTER}keygate:\n")), "{name}: {text}");
        let crlf = before.replace('\n', "\r\n");
        let text =
            edited("keygate", &crlf, change).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.starts_with(&BEFORE.replace('\n', "\r\n")), "{name}: {text}");
        assert!(!text.replace("\r\n", "").contains('\n'), "{name}: {text:?}");
    }
}

#[test]
fn flow_style_around_the_section_is_refused() {
    for (section, text) in [
        ("keygate", "{x: 1, api_keys: {KEY_A: User 1}}\n"),
        ("keygate", "x: 1\nkeygate: {api_keys: {KEY_A: User 1}}\n"),
        ("auth.keys", "x: 1\nauth: {realm: x, keys: {api_keys: {KEY_A: User 1}}}\n"),
        ("auth.keys", "api_keys:\nauth: {realm: x}\n"),
    ] {
        let refused = edited(section, text, add_app).unwrap_err();
        let ManageError::NotEditable { why } = &refused else { panic!("{text}: {refused}") };
        assert!(why.contains("flow style"), "{text}: {why}");
    }
}
