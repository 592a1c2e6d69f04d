//! Fields of clients and keys that are changed and removed.

use std::time::{Duration, UNIX_EPOCH};

use keygate::YamlStore;
use keygate::manage::{ClientChange, KeyChange, ManageError, Policy};

use super::{edited, refused};
use crate::editing::fixture::{id, now};

type Edit = fn(&YamlStore) -> Result<(), ManageError>;

fn client(store: &YamlStore, change: ClientChange) -> Result<(), ManageError> {
    store.update_client("A", change).map(drop)
}

fn key(store: &YamlStore, change: KeyChange) -> Result<(), ManageError> {
    store.update_key(&id('A'), change).map(drop)
}

const ADD_SCOPE: Edit =
    |store| client(store, ClientChange::new().add_scope("c:*".parse().unwrap()));
const REMOVE_SCOPE: Edit =
    |store| client(store, ClientChange::new().remove_scope("a".parse().unwrap()));
const QUOTA: Edit =
    |store| client(store, ClientChange::new().with_quota("5/second".parse().unwrap()));
const NO_QUOTA: Edit = |store| client(store, ClientChange::new().without_quota());
const SET: Edit = |store| client(store, ClientChange::new().set_metadata("team", "it's \"new\""));
const REMOVE: Edit = |store| client(store, ClientChange::new().remove_metadata("team"));
const LABEL: Edit = |store| key(store, KeyChange::new().with_label("new: label"));
const NO_LABEL: Edit = |store| key(store, KeyChange::new().without_label());
const TITLE: Edit = |store| client(store, ClientChange::new().with_title("The app: \"2\""));
const NO_TITLE: Edit = |store| client(store, ClientChange::new().without_title());
const NETWORKS: Edit = |store| {
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|it| it.parse().unwrap());
    client(store, ClientChange::new().with_networks(networks))
};
const NO_NETWORKS: Edit = |store| client(store, ClientChange::new().with_networks([]));
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
fn changed_scopes_keep_the_text_of_the_others() {
    for (before, edit, after) in [
        ("    scopes: [ 'a', b ]   # why\n", ADD_SCOPE, "    scopes: [ 'a', b, c:* ]   # why\n"),
        ("    scopes: [ 'a', b ]   # why\n", REMOVE_SCOPE, "    scopes: [ b ]   # why\n"),
        ("    scopes: [b,a]\n", REMOVE_SCOPE, "    scopes: [b]\n"),
        (
            "    scopes: [a, # one\n      b, # two\n    ]\n",
            ADD_SCOPE,
            "    scopes: [a, # one\n      b, c:*, # two\n    ]\n",
        ),
        (
            "    scopes:   # why\n    - a   # one\n    # between\n    - b   # two\n",
            REMOVE_SCOPE,
            "    scopes:   # why\n    # between\n    - b   # two\n",
        ),
        (
            "    scopes:\n      - a   # one\n      - b   # two\n    keys: []\n",
            ADD_SCOPE,
            "    scopes:\n      - a   # one\n      - b   # two\n      - c:*\n    keys: []\n",
        ),
        ("    scopes: [a]   # why\n    keys: []\n", REMOVE_SCOPE, "    keys: []\n"),
        ("    scopes: [a]\n", REMOVE_SCOPE, ""),
        ("    scopes: []\n", ADD_SCOPE, "    scopes: [c:*]\n"),
        // Before the keys, after the other fields of the client.
        (
            "    quota: 1/day   # c\n    # The keys.\n    keys: []\n",
            ADD_SCOPE,
            "    quota: 1/day   # c\n    scopes: [c:*]\n    # The keys.\n    keys: []\n",
        ),
        (
            "    keys:\n      - digest: DIGEST_A\n",
            ADD_SCOPE,
            "    scopes: [c:*]\n    keys:\n      - digest: DIGEST_A\n",
        ),
        ("", ADD_SCOPE, "    scopes: [c:*]\n"),
    ] {
        let file = |fields: &str| {
            format!("# top\nclients:\n  A:   # the client\n{fields}\n  B:\n    scopes: [ a ,b ]\n")
        };
        edited(&file(before), edit, &file(after));
    }
}

#[test]
fn changed_quota_keeps_the_rest_of_its_line() {
    for (before, edit, after) in [
        ("    quota: 100/minute   # why\n", QUOTA, "    quota: 5/second   # why\n"),
        (
            "    quota: {rate: 100/minute, burst: 20}   # why\n",
            QUOTA,
            "    quota: 5/second   # why\n",
        ),
        ("    quota: [1/day, 1/hour]\n", QUOTA, "    quota: 5/second\n"),
        (
            "    quota:\n      rate: 100/minute\n      burst: 20   # why\n    scopes: [a]\n",
            QUOTA,
            "    quota: 5/second   # why\n    scopes: [a]\n",
        ),
        ("    quota: 100/minute   # why\n    scopes: [a]\n", NO_QUOTA, "    scopes: [a]\n"),
        (
            "    quota:\n      - 1/day\n      - 1/hour\n    scopes: [a]\n",
            NO_QUOTA,
            "    scopes: [a]\n",
        ),
        (
            "    enabled: false\n    scopes: [a]\n",
            QUOTA,
            "    enabled: false\n    scopes: [a]\n    quota: 5/second\n",
        ),
    ] {
        let file = |fields: &str| format!("clients:\n  A:\n{fields}");
        edited(&file(before), edit, &file(after));
    }
}

#[test]
fn changed_metadata_keeps_the_text_of_the_others() {
    for (before, edit, after) in [
        (
            "    metadata: { team: \"old\", 'plan': gold }   # why\n",
            SET,
            "    metadata: { team: 'it''s \"new\"', 'plan': gold }   # why\n",
        ),
        (
            "    metadata: {plan: gold}\n",
            SET,
            "    metadata: {plan: gold, team: 'it''s \"new\"'}\n",
        ),
        (
            "    metadata: {plan: gold, team: x, z: 5}\n",
            REMOVE,
            "    metadata: {plan: gold, z: 5}\n",
        ),
        ("    metadata: {team: x, z: '#'}\n", REMOVE, "    metadata: {z: '#'}\n"),
        (
            "    metadata:\n      plan: gold   # one\n      \"team\": x   # two\n      z: 5\n",
            SET,
            "    metadata:\n      plan: gold   # one\n      \"team\": 'it''s \"new\"'   # two\n      z: 5\n",
        ),
        (
            "    metadata:\n      plan: gold   # one\n      team: x   # two\n      z: 5\n",
            REMOVE,
            "    metadata:\n      plan: gold   # one\n      z: 5\n",
        ),
        (
            "    metadata:\n      plan: gold   # one\n    keys: []\n",
            SET,
            "    metadata:\n      plan: gold   # one\n      team: 'it''s \"new\"'\n    keys: []\n",
        ),
        ("    metadata: {team: x}   # two\n    keys: []\n", REMOVE, "    keys: []\n"),
    ] {
        let file = |fields: &str| format!("clients:\n  A:\n{fields}");
        edited(&file(before), edit, &file(after));
    }
}

#[test]
fn changed_title_and_networks_keep_the_rest_of_their_lines() {
    for (before, edit, after) in [
        ("    title: Old   # why\n", TITLE, "    title: 'The app: \"2\"'   # why\n"),
        ("    scopes: [a]\n", TITLE, "    scopes: [a]\n    title: 'The app: \"2\"'\n"),
        ("    title: Old   # why\n    scopes: [a]\n", NO_TITLE, "    scopes: [a]\n"),
        (
            "    networks: [ 10.0.0.0/8, 192.0.2.7 ]   # why\n",
            NETWORKS,
            "    networks: [ 10.0.0.0/8, '2001:db8::/32' ]   # why\n",
        ),
        (
            "    networks:\n      - 192.0.2.7   # one\n      - 10.0.0.0/8   # two\n    keys: []\n",
            NETWORKS,
            "    networks:\n      - 10.0.0.0/8   # two\n      - '2001:db8::/32'\n    keys: []\n",
        ),
        (
            "    scopes: [a]\n",
            NETWORKS,
            "    scopes: [a]\n    networks: ['10.0.0.0/8', '2001:db8::/32']\n",
        ),
        ("    networks: [10.0.0.0/8]   # why\n    scopes: [a]\n", NO_NETWORKS, "    scopes: [a]\n"),
    ] {
        let file = |fields: &str| format!("clients:\n  A:   # the client\n{fields}");
        edited(&file(before), edit, &file(after));
    }
}

#[test]
fn changed_restrictions_of_a_key_keep_its_other_fields() {
    for (before, edit, after) in [
        (
            "        scopes: [ 'b', a ]   # why\n        label: x\n",
            KEY_SCOPES,
            "        scopes: [ a, c:x ]   # why\n        label: x\n",
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
fn changed_client_of_the_short_form_moves_to_clients() {
    edited(
        "api_keys:\n  KEY_A: A\n",
        QUOTA,
        "api_keys:\n  KEY_A: A\nclients:\n  A:\n    quota: 5/second\n",
    );
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
fn change_in_flow_style_is_refused() {
    let flow = |line: usize| {
        format!(
            "line {line} is in flow style (between brackets, as in JSON), which is read but not edited: `keygate export` writes the same clients and keys in block style, which can be edited; nothing was changed"
        )
    };
    for (file, line, edits) in [
        ("clients: {A: {scopes: [a]}}\n", 1, &[ADD_SCOPE, REMOVE_SCOPE, QUOTA, SET][..]),
        ("clients:\n  A: {scopes: [a]}\n", 2, &[ADD_SCOPE, REMOVE_SCOPE, QUOTA, SET]),
        (
            "clients:\n  A:\n    keys:\n      - {digest: DIGEST_A, label: x}\n",
            4,
            &[LABEL, NO_LABEL, EXPIRY],
        ),
    ] {
        for edit in edits {
            refused(file, edit, &flow(line));
        }
    }
}

#[test]
fn empty_change_writes_nothing() {
    let file =
        "clients: {A: {scopes: [c:*, c:*], keys: [{digest: DIGEST_A, label: 'new: label'}]}}\n";
    for edit in [ADD_SCOPE, NO_QUOTA, REMOVE, LABEL, NO_EXPIRY] {
        edited(file, edit, file);
    }
}

#[test]
fn policy_is_written_at_the_end_and_changed_in_place() {
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let year = Policy::new().with_max_lifetime(days(365)).with_default_lifetime(days(90));
    let set = |policy: Policy| move |store: &YamlStore| store.set_policy(policy);
    let written = "policy: {max_lifetime: 365d, default_lifetime: 90d}\n";
    edited(
        "version: 1\nclients:\n  A:\n",
        set(year),
        &format!("version: 1\nclients:\n  A:\n{written}"),
    );
    edited("# none\n", set(year), &format!("# none\n{written}"));
    let file = |policy: &str| format!("version: 1\n{policy}clients:\n  A:\n");
    for (before, policy, after) in [
        (
            "policy: {max_lifetime: 2d, require_expiry: true}   # why\n",
            year,
            "policy: {max_lifetime: 365d, default_lifetime: 90d}   # why\n",
        ),
        (
            "policy:\n  max_lifetime: 2d   # one\n  default_lifetime: 1d   # two\n",
            year,
            "policy:\n  max_lifetime: 365d   # one\n  default_lifetime: 90d   # two\n",
        ),
        (
            "policy:\n  max_lifetime: 365d   # one\n",
            year.require_expiry(),
            "policy:\n  max_lifetime: 365d   # one\n  default_lifetime: 90d\n  require_expiry: true\n",
        ),
        ("policy: {max_lifetime: 2d}   # why\n", Policy::new(), ""),
    ] {
        edited(&file(before), set(policy), &file(after));
    }
}
