use super::check::{load, refused};

const CLIENT: [&str; 2] = [
    "unknown field (not shown here, since it may be a key); the nearest known one is `",
    "`: a client has `title`, `enabled`, `scopes`, `networks`, `quota`, `metadata` and `keys`",
];
const KEY: [&str; 2] = [
    CLIENT[0],
    "`: a key has `digest`, `label`, `scopes`, `networks`, `created`, `not_before`, `expires`, `replaced_by` and `revoked`",
];
const LIMIT: [&str; 2] = [CLIENT[0], "`: a limit has a `rate` and a `burst`"];
pub(super) const DIGEST: &str =
    "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
const RATE_FORM: &str = "a quota is written like `100/minute`, or is `unlimited`";
const RATE_COUNT: &str = "the count of a quota is a whole number from 1 to 4294967295";
const RATE_UNIT: &str = "the unit of a quota is `second`, `minute`, `hour` or `day`";
const RATE_LONG_BURST: &str = "the burst of a quota takes more than 100 years to earn at its rate: lower the burst, or raise the rate";
const RATE_BURST: &str = "the burst of a quota is a whole number from 1 to 4294967295";

/// One client with this field, which begins at 3:5.
pub(super) fn client(field: &str) -> String {
    format!("clients:\n  App 1:\n    {field}\n")
}

/// One key with its digest and this field, which begins at 5:9.
pub(super) fn key(field: &str) -> String {
    format!("clients:\n  App 1:\n    keys:\n      - digest: {DIGEST}\n        {field}\n")
}

#[track_caller]
pub(super) fn refused_in(frame: impl Fn(&str) -> String, cases: &[(&str, &str, &str)]) {
    for (field, place, message) in cases {
        refused(&[(&frame(field), place, message)]);
    }
}

pub(super) fn wrong(expected: &str, found: &str, way_out: &str) -> String {
    format!("expected {expected}, found {found}: {way_out}")
}

#[test]
fn unknown_client_fields_are_refused_with_the_nearest_name() {
    for (field, nearest) in [
        ("enable: true", "enabled"),
        ("scope: [c4n4ry]", "scopes"),
        ("Quota: 1/day", "quota"),
        ("meta-data: {c4n4ry: x}", "metadata"),
        ("key: c4n4ry", "keys"),
        ("disabled: true", "enabled"),
        ("c4n4ry-0123456789: x", "keys"),
        ("digest: c4n4ry", "keys"),
    ] {
        refused_in(client, &[(field, "3:5", &CLIENT.join(nearest))]);
    }
    for (field, nearest) in [
        ("lable: c4n4ry", "label"),
        ("expiry: c4n4ry", "expires"),
        ("not-before: c4n4ry", "not_before"),
        ("created_at: c4n4ry", "created"),
        ("revoke: c4n4ry", "revoked"),
        ("replaced-by: c4n4ry", "replaced_by"),
        ("key: c4n4ry-0123456789", "digest"),
        ("c4n4ry-0123456789: x", "digest"),
    ] {
        refused_in(key, &[(field, "5:9", &KEY.join(nearest))]);
    }
    for (field, nearest) in
        [("brust: 20", "burst"), ("rates: c4n4ry", "rate"), ("per: day", "rate")]
    {
        refused_in(client, &[(&format!("quota: {{{field}}}"), "3:13", &LIMIT.join(nearest))]);
    }
}

#[test]
fn duplicates_are_refused() {
    let field = |name, line| {
        format!("the field `{name}` appears twice, first on line {line}: keep one of the two")
    };
    let name = "this name appears twice, first on line 3: keep one of the two";
    refused_in(
        client,
        &[
            ("enabled: true\n    enabled: true", "4:5", &field("enabled", 3)),
            ("keys: []\n    'keys': []", "4:5", &field("keys", 3)),
            ("quota: {rate: 1/day, rate: 1/day}", "3:26", &field("rate", 3)),
            ("metadata: {c4n4ry: x, \"c4n4ry\": y}", "3:27", name),
        ],
    );
    refused_in(
        key,
        &[
            (&format!("digest: {DIGEST}"), "5:9", &field("digest", 4)),
            ("label: a\n        label: a", "6:9", &field("label", 5)),
        ],
    );
    let client = "this client is already in the file, on line 2: merge the two entries";
    refused(&[
        ("clients:\n  c4n4ry:\n  'c4n4ry':\n", "3:3", client),
        ("clients:\n  c4n4ry: {}\n  \"c4n4r\\x79\":\n    keys: []\n", "3:3", client),
        ("clients:\nclients:\n", "2:1", &field("clients", 1)),
        ("version: 1\nversion: 1\n", "2:1", &field("version", 1)),
    ]);
    // Each scope counts once.
    let store = load("clients: {App 1: {scopes: [a, a]}}");
    assert_eq!(store.profiles()[0].scopes().len(), 1);
}

#[test]
fn wrong_types_are_refused_at_their_position() {
    let all = "write each client as `NAME:`, with its fields indented below";
    let clients = |found| wrong("a mapping of client names", found, all);
    let name = |found| wrong("the name of a client", found, all);
    let said = |found| wrong("the fields of a client", found, all);
    let keys = |found| wrong("a list of keys", found, "write each as `- digest: sha256:...`");
    let one = |found| wrong("a key", found, "write it as `- digest: sha256:...`");
    for (text, place, message) in [
        ("clients: c4n4ry\n", "1:10", clients("a text")),
        ("clients:\n  - c4n4ry\n", "2:3", clients("a list")),
        ("clients: []\n", "1:10", clients("a list")),
        ("clients:\n  [c4n4ry]: x\n", "2:3", name("a list")),
        ("clients:\n  : x\n", "2:3", name("nothing")),
        ("clients:\n  App 1: c4n4ry\n", "2:10", said("a text")),
        ("clients:\n  App 1: true\n", "2:10", said("a text")),
        ("clients:\n  App 1:\n    - c4n4ry\n", "3:5", said("a list")),
        ("clients: {App 1: []}\n", "1:18", said("a list")),
    ] {
        refused(&[(text, place, &message)]);
    }
    refused_in(
        client,
        &[
            ("keys: c4n4ry", "3:11", &keys("a text")),
            ("keys: {}", "3:11", &keys("a mapping")),
            ("keys:\n      digest: c4n4ry", "4:7", &keys("a mapping")),
            ("keys: [c4n4ry]", "3:12", &one("a text")),
            ("keys:\n      - c4n4ry", "4:9", &one("a text")),
            ("keys: [[]]", "3:12", &one("a list")),
            ("keys: [null]", "3:12", &one("null")),
            ("keys:\n      -", "4:8", &one("nothing")),
        ],
    );
}

#[test]
fn enabled_is_true_or_false() {
    let message = |found| wrong("`true` or `false`", found, "write one of the two, without quotes");
    refused_in(
        client,
        &[
            ("enabled:", "3:12", &message("nothing")),
            ("enabled: null", "3:14", &message("null")),
            ("enabled: \"yes\"", "3:14", &message("a text")),
            ("enabled: yes", "3:14", &message("a text")),
            ("enabled: 'true'", "3:14", &message("a text")),
            ("enabled: 1", "3:14", &message("a text")),
            ("enabled: [true]", "3:14", &message("a list")),
        ],
    );
}

#[test]
fn scopes_follow_their_grammar() {
    let list = |found| wrong("a list of scopes", found, "write it as `[orders:read, stock:*]`");
    let scope = |found| wrong("a scope", found, "write it as `orders:read`");
    let segment = |number| {
        format!(
            "segment {number} of the scope is neither made of `a-z`, `0-9`, `_`, `.` and `-`, nor a final `*`: write a scope such as `orders:read` or `orders:*`"
        )
    };
    refused_in(
        client,
        &[
            ("scopes:", "3:11", &list("nothing")),
            ("scopes: null", "3:13", &list("null")),
            ("scopes: c4n4ry", "3:13", &list("a text")),
            ("scopes: {c4n4ry: x}", "3:13", &list("a mapping")),
            ("scopes: [[c4n4ry]]", "3:14", &scope("a list")),
            ("scopes: [C4n4ry]", "3:14", &segment(1)),
            ("scopes: [a, b:C]", "3:17", &segment(2)),
            ("scopes: ['']", "3:14", &segment(1)),
            ("scopes:\n      - a\n      - '*:a'", "5:9", &segment(1)),
            ("scopes:\n      - a\n      -", "5:8", &scope("nothing")),
            ("scopes:\n      - a:\n      - b", "4:9", &scope("a mapping")),
        ],
    );
}

#[test]
fn quotas_follow_their_grammar() {
    let null = "the quota is empty: write `unlimited` for no limit, or remove the line";
    let way = "write it as `100/minute`, as `{rate: 100/minute, burst: 20}`, or as a list of these";
    let rate = |found| wrong("a rate", found, "write it as `100/minute`");
    let burst = |found| wrong("a number", found, "write the burst as a whole number");
    let missing = "a rate is missing: write `{rate: 100/minute, burst: 20}`, or `100/minute` alone";
    refused_in(
        client,
        &[
            ("quota:", "3:10", null),
            ("quota: ~", "3:12", null),
            ("quota: NULL", "3:12", null),
            ("quota: ''", "3:12", RATE_FORM),
            ("quota: 100", "3:12", RATE_FORM),
            ("quota: c4n4ry", "3:12", RATE_FORM),
            ("quota: Unlimited", "3:12", RATE_FORM),
            ("quota: 0/minute", "3:12", RATE_COUNT),
            ("quota: -1/minute", "3:12", RATE_COUNT),
            ("quota: 4294967296/day", "3:12", RATE_COUNT),
            ("quota: 1/week", "3:12", RATE_UNIT),
            ("quota: []", "3:12", "a quota has at least one rate: write `unlimited` for no limit"),
            ("quota: [1/day, 0/day]", "3:20", RATE_COUNT),
            ("quota: [unlimited]", "3:13", RATE_FORM),
            ("quota:\n      -", "4:8", &wrong("a limit", "nothing", way)),
            ("quota: [[1/day]]", "3:13", &wrong("a limit", "a list", way)),
            ("quota: {}", "3:12", missing),
            ("quota: {burst: 1}", "3:12", missing),
            ("quota: {rate: }", "3:17", &rate("nothing")),
            ("quota: {rate: [1/day]}", "3:19", &rate("a list")),
            ("quota: {rate: unlimited}", "3:19", RATE_FORM),
            ("quota: {rate: 0/day}", "3:19", RATE_COUNT),
            ("quota: {rate: 1/day, burst: 0}", "3:33", RATE_BURST),
            ("quota: {rate: 1/day, burst: -1}", "3:33", RATE_BURST),
            ("quota: {rate: 1/day, burst: +1}", "3:33", RATE_BURST),
            ("quota: {rate: 1/day, burst: 1.5}", "3:33", RATE_BURST),
            ("quota: {rate: 1/day, burst: ''}", "3:33", RATE_BURST),
            ("quota: {rate: 1/day, burst: 4294967296}", "3:33", RATE_BURST),
            ("quota: {rate: 1/day, burst: c4n4ry}", "3:33", RATE_BURST),
            ("quota: {rate: 1/day, burst: 36526}", "3:33", RATE_LONG_BURST),
            ("quota: [1/day, {burst: 36526, rate: 1/day}]", "3:28", RATE_LONG_BURST),
            ("quota: {rate: 1/day, burst: []}", "3:33", &burst("a list")),
        ],
    );
}

#[test]
fn metadata_is_text_to_text() {
    let way = "write it as `{team: billing}`, an empty text as `''`";
    let text = |found| wrong("a text", found, way);
    let map = |found| wrong("a mapping of texts", found, way);
    refused_in(
        client,
        &[
            ("metadata:", "3:13", &map("nothing")),
            ("metadata: c4n4ry", "3:15", &map("a text")),
            ("metadata: [c4n4ry]", "3:15", &map("a list")),
            ("metadata: {c4n4ry: }", "3:22", &text("nothing")),
            ("metadata: {a: [c4n4ry]}", "3:19", &text("a list")),
            ("metadata: {a: {b: c4n4ry}}", "3:19", &text("a mapping")),
            ("metadata: {[c4n4ry]: a}", "3:16", &text("a list")),
        ],
    );
    let long = format!("metadata: {{k: c4n4ry{}}}", "v".repeat(4090));
    let message =
        "the metadata of the client is longer than 4096 bytes in all: choose another name";
    refused_in(client, &[(&long, "2:3", message)]);
}

#[test]
fn names_and_labels_follow_their_rules() {
    let long = "c4n4ry".to_owned() + &"n".repeat(123);
    let name = |name: &str| format!("clients:\n  {name}:\n");
    refused_in(
        name,
        &[
            ("''", "2:3", "the name of the client is empty: choose another name"),
            (
                "' c4n4ry'",
                "2:3",
                "the name of the client begins or ends with a blank: choose another name",
            ),
            (
                "\"c4n4ry\\n\"",
                "2:3",
                "the name of the client contains a control character or a line end: choose another name",
            ),
            (
                &long,
                "2:3",
                "the name of the client is longer than 128 characters: choose another name",
            ),
        ],
    );
    let message = |why| format!("the label {why}: choose another");
    let way = "write a short text, or remove the line";
    refused_in(
        key,
        &[
            ("label: ''", "5:16", &message("is empty")),
            ("label: '  '", "5:16", &message("is empty")),
            ("label: 'c4n4ry '", "5:16", &message("begins or ends with a blank")),
            (
                "label: \"c4n4ry\\t\"",
                "5:16",
                &message("contains a control character or a line end"),
            ),
            (&format!("label: {long}"), "5:16", &message("is longer than 128 characters")),
            ("label:", "5:14", &wrong("a label", "nothing", way)),
            ("label: [c4n4ry]", "5:16", &wrong("a label", "a list", way)),
        ],
    );
}

#[test]
fn unknown_versions_are_refused() {
    let newer = "this file has a version that this keygate does not support; it supports version 1: update keygate, or write `version: 1` if the file needs nothing newer";
    let number = |found| wrong("a whole number", found, "write `version: 1`, or remove the line");
    for (text, place, message) in [
        ("version: 2\n", "1:10", newer),
        ("api_keys:\nversion: 4294967295\n", "2:10", newer),
        ("version: 4294967296\n", "1:10", &*number("a text")),
        ("version: 0\n", "1:10", &number("a text")),
        ("version: c4n4ry\n", "1:10", &number("a text")),
        ("version: 1.0\n", "1:10", &number("a text")),
        ("version: -1\n", "1:10", &number("a text")),
        ("version:\n", "1:8", &number("nothing")),
        ("version: [1]\n", "1:10", &number("a list")),
    ] {
        refused(&[(text, place, message)]);
    }
    load("version: 1\n");
}

#[test]
fn clients_and_keys_may_be_empty() {
    for text in ["clients:", "clients: {}", "clients: ~"] {
        assert_eq!(load(text).client_count(), 0, "{text}");
    }
    for nothing in ["", " {}", " ~", " null", " {keys: }", " {keys: []}", " {keys: ~}"] {
        let store = load(format!("clients:\n  App 1:{nothing}\n"));
        let clients = store.list_clients();
        assert_eq!((clients.len(), clients[0].enabled, clients[0].keys), (1, true, 0), "{nothing}");
    }
}
