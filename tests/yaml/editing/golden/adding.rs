//! Added clients, with all their fields.

use keygate::{ClientProfile, Quota};

use super::edited;

fn quota(text: &str) -> Quota {
    text.parse().unwrap()
}

fn app_1() -> ClientProfile {
    ClientProfile::new("App 1")
}

#[test]
fn client_is_added_after_the_others() {
    edited(
        "# Head.\nversion: 1\n\nclients:\n  Zeta:   # first\n    keys: []\n\n  # About B.\n  'B': {}   # second\n\n# Tail.\n",
        |store| store.add_client("App 1"),
        "# Head.\nversion: 1\n\nclients:\n  Zeta:   # first\n    keys: []\n\n  # About B.\n  'B': {}   # second\n  App 1:\n\n# Tail.\n",
    );
}

#[test]
fn comments_at_client_depth_stay_with_the_last_client() {
    edited(
        "clients:\n    B:\n        enabled: true\n        # deep\n    # as deep\n  # less deep\n# not deep\nallow_weak_keys: false\n",
        |store| store.add_client("App 1"),
        "clients:\n    B:\n        enabled: true\n        # deep\n    # as deep\n    App 1:\n  # less deep\n# not deep\nallow_weak_keys: false\n",
    );
}

#[test]
fn first_clients_are_added_at_the_end_of_the_file() {
    edited(
        "api_keys:\n    KEY_A: User 1   # one\n# Tail.\n",
        |store| store.add_client("App 1"),
        "api_keys:\n    KEY_A: User 1   # one\n# Tail.\nclients:\n  App 1:\n",
    );
    edited(
        "---\napi_key: KEY_A\n...\n# Behind the end.\n",
        |store| store.add_client("App 1"),
        "---\napi_key: KEY_A\nclients:\n  App 1:\n...\n# Behind the end.\n",
    );
}

#[test]
fn clients_may_come_before_other_fields() {
    edited(
        "clients:\n  B:\n    scopes: [a]\n\napi_keys:\n  KEY_A: User 1\n",
        |store| store.add_client("App 1"),
        "clients:\n  B:\n    scopes: [a]\n  App 1:\n\napi_keys:\n  KEY_A: User 1\n",
    );
}

#[test]
fn all_fields_of_a_client_are_written() {
    let scopes = || ["stock:*", "orders:read"].map(|scope| scope.parse().unwrap());
    edited(
        "clients:\n  B:\n",
        |store| {
            let metadata = [("team", "billing"), ("on call", "+1 555: 7"), ("", "")];
            store.add_client(
                app_1()
                    .with_scopes(scopes())
                    .with_quota(quota("100/minute"))
                    .with_metadata(metadata),
            )
        },
        "clients:\n  B:\n  App 1:\n    scopes: [orders:read, stock:*]\n    quota: 100/minute\n    metadata: {'': '', on call: '+1 555: 7', team: billing}\n",
    );
}

#[test]
fn quotas_are_written_in_their_shortest_form() {
    let burst = |text: &str| text.parse::<keygate::client::Rate>().unwrap().with_burst(20).unwrap();
    let plain = |text: &str| text.parse().unwrap();
    let cases = [
        (quota("unlimited"), "unlimited"),
        (quota("7/day"), "7/day"),
        (burst("100/minute").into(), "{rate: 100/minute, burst: 20}"),
        (burst("20/hour").into(), "20/hour"),
        (
            Quota::all_of([plain("10/second"), burst("9/hour")]).unwrap(),
            "[10/second, {rate: 9/hour, burst: 20}]",
        ),
    ];
    for (quota, written) in cases {
        edited(
            "clients:\n",
            |store| store.add_client(app_1().with_quota(quota.clone())),
            &format!("clients:\n  App 1:\n    quota: {written}\n"),
        );
    }
}

#[test]
fn texts_with_line_ends_and_controls_stay_on_one_line() {
    let metadata = [
        ("lines", "one\ntwo\r\n\n"),
        ("control", "\u{1}\u{1b}\u{7f}\u{85}\t"),
        ("mark", "\u{feff}\u{202e}\u{2028}"),
        ("quotes", "it's \"so\" \\ % # {[,]}"),
        ("both", "'\"\n\\"),
        ("no character", "\u{ffff}\u{fffe}\u{e000}"),
        ("* star", "- dash"),
        ("~", "null"),
    ];
    edited(
        "clients:\n",
        |store| store.add_client(app_1().with_metadata(metadata)),
        concat!(
            "clients:\n  App 1:\n    metadata: {'* star': '- dash', both: \"'\\\"\\n\\\\\", ",
            "control: \"\\u0001\\u001b\\u007f\\u0085\\t\", lines: \"one\\ntwo\\r\\n\\n\", ",
            "mark: \"\\ufeff\\u202e\\u2028\", no character: \"\\uffff\\ufffe\u{e000}\", ",
            "quotes: 'it''s \"so\" \\ % # {[,]}', '~': 'null'}\n",
        ),
    );
}

#[test]
fn explicit_keys_are_left_unchanged() {
    edited(
        "? clients\n:\n  ? B\n  : keys: []\n",
        |store| store.add_client("App 1"),
        "? clients\n:\n  ? B\n  : keys: []\n  App 1:\n",
    );
}
