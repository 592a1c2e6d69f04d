use super::check::{Bad, refused};

const FIELD: [&str; 2] = [
    "unknown field (not shown here, since it may be a key); the nearest known one is `",
    "`: write keys indented below `api_keys:`, as `KEY: client name`; for keys in an application's own file, use \
     `YamlStore::options().embedded()`",
];
const EMPTY: &str = "the key is empty: write `KEY: client name`, or remove the line";
const CONTROL: &str =
    "the key contains a control character or a line end, which no header can carry: replace it";
const BLANK: &str = "the key begins or ends with a blank, which no header can carry: replace it";
const LONG: &str = "the key is longer than 512 bytes: replace it";
const NO_CLIENT: &str =
    "no client is named for this key: write `KEY: client name`, with `null` and `~` in quotes";
const NAME_BLANK: &str = "the name of the client begins or ends with a blank: replace it";
const NAME_CONTROL: &str =
    "the name of the client contains a control character or a line end: replace it";
const NAME_LONG: &str = "the name of the client is longer than 128 characters: replace it";

#[test]
fn unknown_fields_are_refused_with_the_nearest_name() {
    let cases = [
        ("api_kyes:\n  c4n4ry-0123456789: User 1\n", "1:1", "api_keys"),
        ("API_KEYS:\n  c4n4ry-0123456789: User 1\n", "1:1", "api_keys"),
        ("api-keys:\n  c4n4ry-0123456789: User 1\n", "1:1", "api_keys"),
        ("keys:\n  c4n4ry-0123456789: User 1\n", "1:1", "api_keys"),
        ("apikey: c4n4ry-0123456789\n", "1:1", "api_key"),
        ("\u{feff}api-key: c4n4ry-0123456789\n", "1:1", "api_key"),
        ("allow_weak: true\n", "1:1", "allow_weak_keys"),
        ("api_key: c4n4ry-0123456789\r\nallow-weak-keys: true\r\n", "2:1", "allow_weak_keys"),
        // The author forgot `api_keys:` or the indentation.
        ("c4n4ry-0123456789: User 1\n", "1:1", "api_keys"),
        ("c4n4ry: User 1\n", "1:1", "api_keys"),
        ("---\n'c4n4ry-0123456789': User 1\n", "2:1", "api_keys"),
        ("api_keys:\nc4n4ry-0123456789: User 1\n", "2:1", "api_keys"),
        ("{c4n4ry-0123456789: User 1}\n", "1:2", "api_keys"),
        ("'': c4n4ry-0123456789\n", "1:1", "api_keys"),
        ("<<: {api_key: c4n4ry-0123456789}\n", "1:1", "api_keys"),
    ];
    for (text, place, nearest) in cases {
        refused(&[(text, place, &FIELD.join(nearest))]);
    }
}

#[test]
fn duplicate_field_is_refused() {
    let message = |field, line| {
        format!("the field `{field}` appears twice, first on line {line}: keep one of the two")
    };
    refused(&[
        (
            "api_key: c4n4ry-0123456789\n\napi_key: c4n4ry-012345678x\n",
            "3:1",
            &message("api_key", 1),
        ),
        ("api_keys:\napi_keys:\n  c4n4ry-0123456789: User 1\n", "2:1", &message("api_keys", 1)),
        (
            "api_keys: {}\nallow_weak_keys: true\n'allow_weak_keys': true\n",
            "3:1",
            &message("allow_weak_keys", 2),
        ),
    ]);
}

#[test]
fn duplicate_key_is_refused_in_every_spelling() {
    let message = |line| {
        format!("this key is already in the file, on line {line}: give each client its own key")
    };
    let (first, second) = (message(1), message(2));
    let cases: [Bad<'_>; 10] = [
        ("api_keys:\n  c4n4ry-0123456789: User 1\n  c4n4ry-0123456789: User 2\n", "3:3", &second),
        ("api_keys:\n  c4n4ry-0123456789: User 1\n  c4n4ry-0123456789: User 1\n", "3:3", &second),
        ("api_keys:\n  c4n4ry-0123456789: User 1\n  'c4n4ry-0123456789': x\n", "3:3", &second),
        (
            "api_keys:\n  \"c4n4ry-\\x30123456789\": x\n  ? c4n4ry-0123456789\n  : x\n",
            "3:5",
            &second,
        ),
        ("api_keys:\r\n  c4n4ry-0123456789: x\r\n\r\n  c4n4ry-0123456789: y\r\n", "4:3", &second),
        ("api_keys: {c4n4ry-0123456789: x, c4n4ry-0123456789: y}\n", "1:34", &first),
        ("api_key: c4n4ry-0123456789\napi_keys:\n  c4n4ry-0123456789: x\n", "3:3", &first),
        ("api_keys:\n  c4n4ry-0123456789: x\napi_key: 'c4n4ry-0123456789'\n", "3:10", &second),
        ("allow_weak_keys: true\napi_keys: {007: x, c4n4ry: y, 007: x}\n", "2:31", &second),
        // The first of several duplicates is reported.
        (
            "api_keys:\n  c4n4ry-b-01234567: x\n  c4n4ry-a-01234567: x\n  c4n4ry-b-01234567: x\n  c4n4ry-a-01234567: x\n",
            "4:3",
            &second,
        ),
    ];
    refused(&cases);
}

#[test]
fn keys_without_text_are_refused() {
    let nothing =
        "expected a key, found nothing: write each key on its own line, as `KEY: client name`";
    refused(&[
        ("api_key: ''\n", "1:10", EMPTY),
        ("api_key: '  '\n", "1:10", EMPTY),
        ("api_key:\n", "1:8", "expected a key, found nothing: write `api_key: KEY`"),
        ("api_keys:\n  '': User 1\n", "2:3", EMPTY),
        ("api_keys:\n  \"\": User 1\n", "2:3", EMPTY),
        ("api_keys:\n  \" \\t \": User 1\n", "2:3", EMPTY),
        ("api_keys:\n  : User 1\n", "2:3", nothing),
        ("allow_weak_keys: true\napi_keys: {'': User 1}\n", "2:12", EMPTY),
    ]);
}

#[test]
fn keys_that_no_header_can_carry_are_refused() {
    refused(&[
        ("api_keys:\n  \"c4n4ry-\\x01-0123456789\": User 1\n", "2:3", CONTROL),
        ("api_keys:\n  \"c4n4ry-\\0-0123456789\": User 1\n", "2:3", CONTROL),
        ("api_keys:\n  \"c4n4ry-\\t-0123456789\": User 1\n", "2:3", CONTROL),
        ("api_keys:\n  \"c4n4ry-\\r\\n-0123456789\": User 1\n", "2:3", CONTROL),
        ("api_keys:\n  \"c4n4ry-\\x7f-0123456789\": User 1\n", "2:3", CONTROL),
        ("api_keys:\n  ' c4n4ry-0123456789': User 1\n", "2:3", BLANK),
        ("api_keys:\n  \"c4n4ry-0123456789 \": User 1\n", "2:3", BLANK),
        ("api_key: 'c4n4ry-0123456789 '\n", "1:10", BLANK),
        ("allow_weak_keys: true\napi_keys:\n  ' c4n4ry': User 1\n", "3:3", BLANK),
    ]);
}

#[test]
fn keys_that_are_too_long_are_refused() {
    for length in [513, 1024, 1025, 4000, 100_000] {
        let key = format!("c4n4ry{}", "k".repeat(length - 6));
        refused(&[
            (&format!("api_key: {key}\n"), "1:10", LONG),
            (&format!("api_keys:\n  {key}: User 1\n"), "2:3", LONG),
            (&format!("api_keys:\n  '{key}': User 1\n"), "2:3", LONG),
            (&format!("api_keys:\n  ? {key}\n  : User 1\n"), "2:5", LONG),
        ]);
    }
    refused(&[(&format!("api_key: c4n4ry{}\n", "é".repeat(254)), "1:10", LONG)]);
}

#[test]
fn clients_without_a_name_are_refused() {
    refused(&[
        ("api_keys:\n  c4n4ry-0123456789:\n", "2:3", NO_CLIENT),
        ("api_keys:\n  c4n4ry-0123456789: # User 1\n", "2:3", NO_CLIENT),
        ("api_keys:\n  c4n4ry-0123456789: null\n", "2:3", NO_CLIENT),
        ("api_keys:\n  c4n4ry-0123456789: ~\n", "2:3", NO_CLIENT),
        ("api_keys: {c4n4ry-0123456789}\n", "1:12", NO_CLIENT),
        ("api_keys:\n  c4n4ry-0123456789: ''\n", "2:22", NO_CLIENT),
        ("api_keys:\n  c4n4ry-0123456789: '  '\n", "2:22", NO_CLIENT),
    ]);
}

#[test]
fn invalid_names_are_refused() {
    let long = format!("api_keys:\n  c4n4ry-0123456789: {}\n", "é".repeat(129));
    refused(&[
        (&long, "2:22", NAME_LONG),
        ("api_keys:\n  c4n4ry-0123456789: ' User 1'\n", "2:22", NAME_BLANK),
        ("api_keys:\n  c4n4ry-0123456789: \"User 1\\_\"\n", "2:22", NAME_BLANK),
        ("api_keys:\n  c4n4ry-0123456789: \"User\\n1\"\n", "2:22", NAME_CONTROL),
        ("api_keys:\n  c4n4ry-0123456789: \"User\\e1\"\n", "2:22", NAME_CONTROL),
        ("api_keys:\n  c4n4ry-0123456789: \"User\\N1\"\n", "2:22", NAME_CONTROL),
    ]);
}

#[test]
fn wrong_types_are_refused_at_their_position() {
    let found = |expected: &str, found: &str, way_out: &str| {
        format!("expected {expected}, found {found}: {way_out}")
    };
    let begin =
        "begin the file with `api_keys:`, and indent the keys below it, as `KEY: client name`";
    let root = |what| found("a mapping", what, begin);
    let line = "write each key on its own line, as `KEY: client name`";
    let keys = |what| found("a mapping of keys to client names", what, line);
    let key = |what| found("a key", what, line);
    let name = |what| found("the name of a client", what, line);
    let one = |what| found("a key", what, "write `api_key: KEY`");
    let field = |what| {
        found(
            "the name of a field",
            what,
            "write keys indented below `api_keys:`, as `KEY: client name`; for keys in an application's own file, use \
             `YamlStore::options().embedded()`",
        )
    };
    let allow = |what| found("`true` or `false`", what, "write one of the two, without quotes");
    let cases = [
        ("c4n4ry-0123456789\n", "1:1", root("a text")),
        ("# remark\n'c4n4ry-0123456789'\n", "2:1", root("a text")),
        ("- c4n4ry-0123456789\n", "1:1", root("a list")),
        ("[c4n4ry-0123456789]\n", "1:1", root("a list")),
        ("? [c4n4ry-0123456789]\n: x\n", "1:3", field("a list")),
        ("{c4n4ry-0123456789: x}: x\n", "1:1", field("a mapping")),
        (": c4n4ry-0123456789\n", "1:1", field("nothing")),
        ("api_keys: c4n4ry-0123456789\n", "1:11", keys("a text")),
        ("api_keys: true\n", "1:11", keys("a text")),
        ("api_keys: 'null'\n", "1:11", keys("a text")),
        ("api_keys: [c4n4ry-0123456789]\n", "1:11", keys("a list")),
        ("api_keys:\n- c4n4ry-0123456789\n", "2:3", keys("a list")),
        ("api_keys:\n  - c4n4ry-0123456789: User 1\n", "2:3", keys("a list")),
        // A colon is missing, or the blank after it.
        ("api_keys:\n  c4n4ry-0123456789 User 1\n", "2:3", keys("a text")),
        ("api_keys:\n  c4n4ry-0123456789:User 1\n", "2:3", keys("a text")),
        ("api_keys:\n  c4n4ry-0123456789=User 1\n", "2:3", keys("a text")),
        ("api_keys:\n  ? [c4n4ry-0123456789]\n  : User 1\n", "2:5", key("a list")),
        ("api_keys:\n  ? c4n4ry-0123456789: x\n  : User 1\n", "2:5", key("a mapping")),
        ("api_keys:\n  {c4n4ry-0123456789: x}: User 1\n", "2:3", key("a mapping")),
        ("api_keys:\n  c4n4ry-0123456789: [User 1]\n", "2:22", name("a list")),
        ("api_keys:\n  c4n4ry-0123456789:\n    name: User 1\n", "3:5", name("a mapping")),
        ("api_keys:\n  <<: {c4n4ry-0123456789: User 1}\n", "2:7", name("a mapping")),
        ("api_key: [c4n4ry-0123456789]\n", "1:10", one("a list")),
        ("api_key:\n  c4n4ry-0123456789: User 1\n", "2:3", one("a mapping")),
        ("allow_weak_keys: yes\n", "1:18", allow("a text")),
        ("allow_weak_keys: 1\n", "1:18", allow("a text")),
        ("allow_weak_keys: 'true'\n", "1:18", allow("a text")),
        ("allow_weak_keys: c4n4ry-0123456789\n", "1:18", allow("a text")),
        ("allow_weak_keys:\n", "1:16", allow("nothing")),
        ("allow_weak_keys: {}\n", "1:18", allow("a mapping")),
        ("allow_weak_keys: [true]\n", "1:18", allow("a list")),
    ];
    for (text, place, message) in cases {
        refused(&[(text, place, &message)]);
    }
}
