//! Fields of clients that are changed and removed.

use keygate::YamlStore;
use keygate::client::{Quota, Rate};
use keygate::manage::{ClientChange, ManageError};

use super::{edited, flow_style, refused};

type Edit = fn(&YamlStore) -> Result<(), ManageError>;

fn client(store: &YamlStore, change: ClientChange) -> Result<(), ManageError> {
    store.update_client("A", change).map(drop)
}

const ADD_SCOPE: Edit =
    |store| client(store, ClientChange::new().add_scope("c:*".parse().unwrap()));
const REMOVE_SCOPE: Edit =
    |store| client(store, ClientChange::new().remove_scope("a".parse().unwrap()));
const REPLACE_SCOPES: Edit =
    |store| client(store, ClientChange::new().with_scopes(["c:*".parse().unwrap()]));
const QUOTA: Edit =
    |store| client(store, ClientChange::new().with_quota("5/second".parse().unwrap()));
const NO_QUOTA: Edit = |store| client(store, ClientChange::new().without_quota());
const SET: Edit = |store| client(store, ClientChange::new().set_metadata("team", "it's \"new\""));
const REMOVE: Edit = |store| client(store, ClientChange::new().remove_metadata("team"));
const TITLE: Edit = |store| client(store, ClientChange::new().with_title("The app: \"2\""));
const NO_TITLE: Edit = |store| client(store, ClientChange::new().without_title());
const NETWORKS: Edit = |store| {
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|it| it.parse().unwrap());
    client(store, ClientChange::new().with_networks(networks))
};
const NO_NETWORKS: Edit = |store| client(store, ClientChange::new().with_networks([]));
#[test]
fn changed_scopes_keep_the_text_of_the_others() {
    for (before, edit, after) in [
        ("    scopes: [ 'a', b ]   # why\n", ADD_SCOPE, "    scopes: ['a', b, c:*]   # why\n"),
        ("    scopes: [ 'a', b ]   # why\n", REMOVE_SCOPE, "    scopes: [b]   # why\n"),
        ("    scopes: [b,a]\n", REMOVE_SCOPE, "    scopes: [b]\n"),
        ("    scopes: [b,\n      a,\n    ]\n", ADD_SCOPE, "    scopes: [b, a, c:*]\n"),
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
        // Before the other fields of the client and their comments.
        (
            "    quota: 1/day   # c\n    # The keys.\n    keys: []\n",
            ADD_SCOPE,
            "    scopes: [c:*]\n    quota: 1/day   # c\n    # The keys.\n    keys: []\n",
        ),
        (
            "    keys:\n      - digest: DIGEST_A\n",
            ADD_SCOPE,
            "    scopes: [c:*]\n    keys:\n      - digest: DIGEST_A\n",
        ),
        ("", ADD_SCOPE, "    scopes: [c:*]\n"),
        // No scope stays, but a comment does.
        (
            "    scopes:   # why\n      - a   # one\n      # between\n      - b   # two\n    keys: []\n",
            REPLACE_SCOPES,
            "    scopes:   # why\n      # between\n      - c:*\n    keys: []\n",
        ),
        ("    scopes: [a,\n      b]   # why\n", REPLACE_SCOPES, "    scopes: [c:*]   # why\n"),
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
            "    quota: 5/second\n    enabled: false\n    scopes: [a]\n",
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
            "    metadata: {team: 'it''s \"new\"', 'plan': gold}   # why\n",
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
        ("    scopes: [a]\n", TITLE, "    title: 'The app: \"2\"'\n    scopes: [a]\n"),
        ("    title: Old   # why\n    scopes: [a]\n", NO_TITLE, "    scopes: [a]\n"),
        (
            "    networks: [ 10.0.0.0/8, 192.0.2.7 ]   # why\n",
            NETWORKS,
            "    networks: [10.0.0.0/8, '2001:db8::/32']   # why\n",
        ),
        (
            "    networks:\n      - 192.0.2.7   # one\n      - 10.0.0.0/8   # two\n    keys: []\n",
            NETWORKS,
            "    networks:\n      - 10.0.0.0/8   # two\n      - '2001:db8::/32'\n    keys: []\n",
        ),
        (
            "    scopes: [a]\n",
            NETWORKS,
            "    networks: ['10.0.0.0/8', '2001:db8::/32']\n    scopes: [a]\n",
        ),
        ("    networks: [10.0.0.0/8]   # why\n    scopes: [a]\n", NO_NETWORKS, "    scopes: [a]\n"),
    ] {
        let file = |fields: &str| format!("clients:\n  A:   # the client\n{fields}");
        edited(&file(before), edit, &file(after));
    }
}

#[test]
fn comments_between_brackets_are_refused() {
    for (fields, edit) in [
        ("    scopes: [a, # one\n      b]\n", ADD_SCOPE),
        ("    scopes: [a, b # two\n    ]\n", REMOVE_SCOPE),
        ("    metadata: { # all\n      plan: gold }\n", SET),
    ] {
        let file = format!("clients:\n  A:\n{fields}");
        refused(&file, edit, &flow_style(3));
        edited(&file, QUOTA, &format!("clients:\n  A:\n    quota: 5/second\n{fields}"));
    }
}

#[test]
fn rates_of_a_quota_keep_the_new_order() {
    let quota: Edit = |store| {
        let rates = ["1/day", "5/second"].map(|rate| rate.parse::<Rate>().unwrap());
        client(store, ClientChange::new().with_quota(Quota::all_of(rates).unwrap()))
    };
    for quota_before in ["quota: [5/second, 1/day]", "quota:\n      - 5/second\n      - 1/day"] {
        edited(
            &format!("clients:\n  A:\n    {quota_before}\n"),
            quota,
            "clients:\n  A:\n    quota: [1/day, 5/second]\n",
        );
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
fn change_of_a_client_in_flow_style_is_refused() {
    for (file, line) in
        [("clients: {A: {scopes: [a]}}\n", 1), ("clients:\n  A: {scopes: [a]}\n", 2)]
    {
        for edit in [ADD_SCOPE, REMOVE_SCOPE, QUOTA, SET] {
            refused(file, edit, &flow_style(line));
        }
    }
}

#[test]
fn empty_change_of_a_client_writes_nothing() {
    let file = "clients: {A: {scopes: [c:*, c:*]}}\n";
    for edit in [ADD_SCOPE, NO_QUOTA, REMOVE] {
        edited(file, edit, file);
    }
}
