use super::check::{refused, refused_bytes};

const ANCHOR: &str = "YAML anchors and aliases (`&`, `*`) are not allowed in a key file: write the text itself, in quotes if it begins with one of these characters";
const TAG: &str =
    "YAML tags (`!`) are not allowed in a key file: put the text in quotes if it begins with `!`";
const DIRECTIVE: &str = "YAML directives (`%`) are not allowed in a key file: remove this line";
const DOCUMENT: &str =
    "a second YAML document begins here: keep all keys in one document, without `---`";
const DEEP: &str =
    "this is nested deeper than a key file can be: write `KEY: client name`, one per line";
const INDICATOR: &str = "a text cannot begin with this character: put it in quotes";
const BRACKET: &str =
    "this bracket has no matching one: put the text in quotes if the bracket is part of it";
const QUOTE: &str = "this quote is not closed: close it, or put the text in quotes of the other \
    kind if the quote is part of it";
const BEHIND: &str = "there is text after the closing quote: put the whole text in quotes of the other kind, on one line";
const ESCAPE: &str = r"there is an escape in these quotes that YAML does not know: use single quotes, or write `\\` for a backslash";
const TAB: &str = "there is a tab here, which cannot indent YAML: use spaces";
const CONTROL: &str = "there is a control character here: remove it, and save the file as UTF-8";
const MARK: &str =
    "there is a byte order mark here: remove it, since it is allowed only at the start of the file";
const NOT_UTF8: &str = "this byte is not UTF-8: save the file as UTF-8";

fn syntax(what: &str) -> String {
    format!(
        "this is not valid YAML ({what}): write `KEY: client name`, one per line with the same indentation, and put texts that contain `: ` or ` #` in quotes"
    )
}

#[test]
fn anchors_and_aliases_are_refused_everywhere() {
    refused(&[
        ("api_keys:\n  &c4n4ry-0123456789: User 1\n", "2:3", ANCHOR),
        ("api_keys:\n  &a c4n4ry-0123456789: User 1\n", "2:3", ANCHOR),
        ("api_keys:\n  c4n4ry-0123456789: &a User 1\n", "2:22", ANCHOR),
        ("api_keys:\n  c4n4ry-0123456789: &a\n    User 1\n", "2:22", ANCHOR),
        ("api_keys:\n  c4n4ry-0123456789: &a\n", "2:22", ANCHOR),
        ("api_keys:\n  c4n4ry-0123456789: &a [x]\n", "2:22", ANCHOR),
        ("api_keys: &a\n  c4n4ry-0123456789: User 1\n", "1:11", ANCHOR),
        ("&a\napi_key: c4n4ry-0123456789\n", "1:1", ANCHOR),
        ("&a api_key: c4n4ry-0123456789\n", "1:1", ANCHOR),
        ("api_key: &c4n4ry c4n4ry-0123456789\n", "1:10", ANCHOR),
        ("api_keys:\n  *c4n4ry : User 1\n", "2:3", ANCHOR),
        ("api_keys:\n  *c4n4ry-0123456789: User 1\n", "2:3", ANCHOR),
        ("api_keys:\n  c4n4ry-0123456789: *c4n4ry\n", "2:22", ANCHOR),
        ("api_key: *c4n4ry\n", "1:10", ANCHOR),
        ("*c4n4ry\n", "1:1", ANCHOR),
        ("api_keys:\n  <<: *c4n4ry\n", "2:7", ANCHOR),
        ("api_key: &\n", "1:10", ANCHOR),
    ]);
}

#[test]
fn tags_are_refused_everywhere() {
    refused(&[
        ("api_keys:\n  !c4n4ry-0123456789: User 1\n", "2:3", TAG),
        ("api_keys:\n  !!str c4n4ry-0123456789: User 1\n", "2:3", TAG),
        ("api_keys:\n  !!binary YzRuNHJ5LTAxMjM0NTY3ODk=: User 1\n", "2:3", TAG),
        ("api_keys:\n  c4n4ry-0123456789: !!str User 1\n", "2:22", TAG),
        ("api_keys:\n  c4n4ry-0123456789: !c4n4ry\n", "2:22", TAG),
        ("api_keys:\n  c4n4ry-0123456789: !c4n4ry!x User 1\n", "2:22", TAG),
        ("api_keys: !!map\n  c4n4ry-0123456789: User 1\n", "1:11", TAG),
        ("api_key: ! c4n4ry-0123456789\n", "1:10", TAG),
        ("api_key: !<c4n4ry> c4n4ry-0123456789\n", "1:10", TAG),
        ("api_key: !<c4n4ry-0123456789\n", "1:10", TAG),
        ("!!map\napi_key: c4n4ry-0123456789\n", "1:1", TAG),
        ("allow_weak_keys: !!bool true\n", "1:18", TAG),
    ]);
}

#[test]
fn directives_are_refused() {
    refused(&[
        ("%YAML 1.2\n---\napi_key: c4n4ry-0123456789\n", "1:1", DIRECTIVE),
        ("# remark\n%TAG ! tag:c4n4ry,2000:\n---\n{}\n", "2:1", DIRECTIVE),
        ("%c4n4ry-0123456789: User 1\n", "1:1", DIRECTIVE),
    ]);
}

#[test]
fn second_document_is_refused_at_its_start() {
    refused(&[
        ("api_key: c4n4ry-0123456789\n---\napi_key: c4n4ry-0123456788\n", "2:1", DOCUMENT),
        ("api_key: c4n4ry-0123456789\n...\n\napi_key: c4n4ry-0123456788\n", "4:1", DOCUMENT),
        ("api_key: c4n4ry-0123456789\n---\n", "2:1", DOCUMENT),
        ("---\n---\napi_key: c4n4ry-0123456789\n", "2:1", DOCUMENT),
        ("null\n---\napi_key: c4n4ry-0123456789\n", "2:1", DOCUMENT),
        ("{}\n--- c4n4ry-0123456789\n", "2:1", DOCUMENT),
    ]);
}

#[test]
fn bytes_that_are_not_utf8_are_refused_at_their_position() {
    refused_bytes(b"api_keys:\n  c4n4ry-0123456789: Gr\xf6\xdfe\n", "2:24", NOT_UTF8);
    refused_bytes(b"api_keys:\n  c4n4ry-\xf6-0123456789: User 1\n", "2:10", NOT_UTF8);
    refused_bytes(b"api_keys:\r\n  c4n4ry-\xf6-0123456789: User 1\r\n", "2:10", NOT_UTF8);
    refused_bytes(b"api_keys:\r  c4n4ry-\xf6-0123456789: User 1\r", "2:10", NOT_UTF8);
    refused_bytes(b"\xef\xbb\xbfapi_key: c4n4ry-\xf6\n", "1:17", NOT_UTF8);
    refused_bytes(b"api_keys:\n  \xc3\xa9\xc3\xa9-c4n4ry-\xff: User 1\n", "2:13", NOT_UTF8);
    // Overlong, a surrogate, beyond Unicode, and a character that is cut off.
    refused_bytes(b"api_key: c4n4ry-\xc0\xaf\n", "1:17", NOT_UTF8);
    refused_bytes(b"api_key: c4n4ry-\xe0\x80\xaf\n", "1:17", NOT_UTF8);
    refused_bytes(b"api_key: c4n4ry-\xed\xa0\x80\n", "1:17", NOT_UTF8);
    refused_bytes(b"api_key: c4n4ry-\xf4\x90\x80\x80\n", "1:17", NOT_UTF8);
    refused_bytes(b"api_key: c4n4ry-\xe2\x82", "1:17", NOT_UTF8);
}

#[test]
fn utf16_is_refused_with_and_without_its_mark() {
    let text = "api_key: c4n4ry-0123456789\n";
    let marked = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(order).collect()
    };
    for bytes in [marked(u16::to_le_bytes), marked(u16::to_be_bytes)] {
        refused_bytes(&bytes, "1:1", NOT_UTF8);
    }
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused_bytes(&little, "1:2", CONTROL);
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    refused_bytes(&big, "1:1", CONTROL);
}

#[test]
fn control_characters_and_inner_byte_order_marks_are_refused() {
    refused(&[
        ("api_keys:\n  c4n4ry\u{1}-0123456789: User 1\n", "2:9", CONTROL),
        ("api_keys:\n  \"c4n4ry\u{1}-0123456789\": User 1\n", "2:10", CONTROL),
        ("api_keys:\n  'c4n4ry\u{7f}-0123456789': User 1\n", "2:10", CONTROL),
        ("api_keys:\n  c4n4ry\0-0123456789: User 1\n", "2:9", CONTROL),
        ("api_keys:\n  c4n4ry\u{9f}-0123456789: User 1\n", "2:9", CONTROL),
        ("api_keys:\n  c4n4ry-0123456789: User\u{8}1\n", "2:26", CONTROL),
        ("api_key: >-\n  c4n4ry-\n  \u{1b}0123456789\n", "3:3", CONTROL),
        ("\0", "1:1", CONTROL),
        ("api_keys:\n  \u{feff}c4n4ry-0123456789: User 1\n", "2:3", MARK),
        ("api_keys:\n\u{feff}  c4n4ry-0123456789: User 1\n", "2:1", MARK),
    ]);
}

#[test]
fn unquoted_special_characters_are_reported_at_their_position() {
    refused(&[
        ("api_keys:\n  @c4n4ry-0123456789: User 1\n", "2:3", INDICATOR),
        ("api_keys:\n  `c4n4ry-0123456789: User 1\n", "2:3", INDICATOR),
        ("api_keys:\n  %c4n4ry-0123456789: User 1\n", "2:3", INDICATOR),
        ("api_keys:\n  |c4n4ry-0123456789: User 1\n", "2:3", INDICATOR),
        ("api_keys:\n  >c4n4ry-0123456789: User 1\n", "2:3", INDICATOR),
        ("api_key: @c4n4ry-0123456789\n", "1:10", INDICATOR),
        ("api_keys:\n  c4n4ry-0123456789: %User\n", "2:22", INDICATOR),
        ("api_keys:\n  [c4n4ry-0123456789: User 1\n", "2:3", BRACKET),
        ("api_keys:\n  {c4n4ry-0123456789: User 1\n", "2:3", BRACKET),
        ("api_keys:\n  ]c4n4ry-0123456789: User 1\n", "2:3", BRACKET),
        ("api_keys:\n  }c4n4ry-0123456789: User 1\n", "2:3", BRACKET),
        ("api_keys: {c4n4ry-0123456789: User 1\n", "1:11", BRACKET),
        ("api_keys: {c4n4ry-0123456789: User 1}}\n", "1:38", BRACKET),
        ("api_keys: {c4n4ry-0123456789: User 1]\n", "1:11", BRACKET),
        ("api_keys:\n  'c4n4ry-0123456789: User 1\n", "2:3", QUOTE),
        ("api_keys:\n  \"c4n4ry-0123456789: User 1\n", "2:3", QUOTE),
        ("api_keys:\n  c4n4ry-0123456789: 'User 1\n", "2:22", QUOTE),
        ("api_keys:\n  'c4n4ry'-0123456789: User 1\n", "2:11", BEHIND),
        ("api_keys:\n  \"c4n4ry\"-0123456789: User 1\n", "2:11", BEHIND),
        ("api_key: 'c4n4ry' 0123456789\n", "1:19", BEHIND),
        ("api_keys:\n  'c4n4ry\n  0123456789': User 1\n", "3:14", BEHIND),
        ("api_keys:\n  \"c4n4ry\\q0123456789\": User 1\n", "2:3", ESCAPE),
        ("api_keys:\n  \"c4n4ry\\xZZ0123456789\": User 1\n", "2:3", ESCAPE),
        ("api_keys:\n  \"c4n4ry\\ud8000123456789\": User 1\n", "2:3", ESCAPE),
        ("api_keys:\n  \"c4n4ry\\U00110000123456\": User 1\n", "2:3", ESCAPE),
    ]);
}

#[test]
fn tabs_are_refused_at_their_position() {
    refused(&[
        ("api_keys:\n\tc4n4ry-0123456789: User 1\n", "2:1", TAB),
        ("api_keys:\n  c4n4ry-0123456789: x\n\tc4n4ry-0123456788: y\n", "3:1", TAB),
        ("api_keys:\r\n  c4n4ry-0123456789:\tx\r\n  \tc4n4ry-0123456788: y\r\n", "3:3", TAB),
    ]);
}

#[test]
fn lines_that_are_not_yaml_are_refused_with_a_remedy() {
    let colon = syntax("simple key expected ':'");
    let value = syntax("mapping values are not allowed in this context");
    refused(&[
        ("api_keys:\n  c4n4ry-0123456789: x\n  c4n4ry-0123456788 y\n", "3:3", &colon),
        ("api_keys:\n  c4n4ry-0123456789: x\n  c4n4ry\n  c4n4ry-0123456788: y\n", "3:3", &colon),
        ("api_keys:\n  c4n4ry: 0123456789: User 1\n", "2:21", &value),
        ("api_keys:\n  c4n4ry-0123456789: User: 1\n", "2:26", &value),
        (
            "api_keys:\n    c4n4ry-0123456789: x\n  c4n4ry-0123456788: y\n",
            "3:3",
            &syntax("while parsing a block mapping, did not find expected key"),
        ),
        (
            "api_keys:\n  ,c4n4ry-0123456789: x\n",
            "2:3",
            &syntax("unexpected EOF while parsing a block mapping"),
        ),
        (
            "api_keys: {c4n4ry-0123456789: x c4n4ry-0123456788: y}\n",
            "1:50",
            &syntax("while parsing a flow mapping, did not find expected ',' or '}'"),
        ),
        (
            "api_key: c4n4ry-0123456789\n... c4n4ry\n",
            "2:5",
            &syntax("invalid content after document end marker"),
        ),
    ]);
}

#[test]
fn deep_nesting_is_refused_early() {
    let opened = |bracket: &str| bracket.repeat(100_000);
    let stairs: Vec<_> = (0..300).map(|depth| " ".repeat(depth) + "? ").collect();
    let list = "expected a mapping of keys to client names, found a list: write each key on its own line, as `KEY: client name`";
    let name = "expected the name of a client, found a mapping: write each key on its own line, as `KEY: client name`";
    let field = "expected the name of a field, found a mapping: write keys indented below `api_keys:`, as `KEY: client name`; for keys in an application's own file, use `YamlStore::options().embedded()`";
    refused(&[
        (&opened("["), "1:33", DEEP),
        (&opened("{"), "1:33", DEEP),
        (&format!("api_keys: {}", opened("{")), "1:43", DEEP),
        (&format!("api_keys: {}", opened("[")), "1:11", list),
        (&format!("api_keys:\n {}", opened("- ")), "2:2", list),
        (&format!("api_keys: {}", opened("{a: ")), "1:15", name),
        ("api_keys:\n a:\n  b:\n   c:\n    d: c4n4ry\n", "3:3", name),
        (&opened("? "), "1:3", field),
        (&stairs.join("\n"), "2:2", field),
    ]);
}
