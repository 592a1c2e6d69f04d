use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use keygate::YamlStore;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use regex::Regex;
use serde::Deserialize;

use super::check::{CANARY, client_of};

/// The number of cases: this, or `PROPTEST_CASES` if that is higher.
fn config(cases: u32) -> ProptestConfig {
    let persistence = FileFailurePersistence::WithSource("regressions");
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(cases),
        failure_persistence: Some(Box::new(persistence)),
        ..default
    }
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn no_text_panics_the_loader_or_shows_in_its_errors(text in soup()) {
        let loaded: Result<YamlStore, _> = text.parse();
        match loaded {
            Ok(store) => {
                let said = format!("{:?}", store.warnings());
                prop_assert!(!said.contains(CANARY), "{}", said);
            }
            Err(error) => {
                let said = format!("{error} {error:?}");
                prop_assert!(!said.contains(CANARY), "{}", said);
                let (line, column) = (error.line().unwrap(), error.column().unwrap());
                prop_assert!(line <= text.split(['\r', '\n']).count() && column <= text.len() + 1, "{}", error);
            }
        }
    }

    #[test]
    fn no_bytes_panic_the_loader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = YamlStore::from_reader(&bytes[..]);
    }
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn every_key_of_a_well_formed_file_belongs_to_its_client(
        entries in prop::collection::btree_map(key(), name(), 1..8),
        single in prop::option::of(key()),
        style in style(),
    ) {
        let single = single.filter(|key| !entries.contains_key(key));
        let text = emit(&entries, single.as_deref(), &style);
        let store: YamlStore = text.parse().map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;

        prop_assert_eq!(store.len(), entries.len() + usize::from(single.is_some()));
        let single = single.as_ref().map(|key| (key, "default"));
        let all = entries.iter().map(|(key, name)| (key, name.as_str())).chain(single);
        for (key, name) in all.clone() {
            prop_assert_eq!(client_of(&store, key), Some(name.to_owned()), "{}\n{}", key, text);
            for miss in [&key[key.chars().next().unwrap().len_utf8()..], &format!("{key}x")] {
                prop_assert_eq!(client_of(&store, miss), None, "{}\n{}", miss, text);
            }
        }

        // The other parser counts a byte order mark as a column, and then mistakes the indentation.
        let plain: Plain = serde_yaml::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        let single = plain.api_key.map(|key| (key, "default".to_owned()));
        let read: HashMap<_, _> = plain.api_keys.into_iter().chain(single).collect();
        let ours = all.map(|(key, name)| (key.clone(), name.to_owned())).collect();
        prop_assert_eq!(read, ours, "{}", text);
    }
}

/// A key file as `serde` reads it, without any checks.
#[derive(Deserialize)]
struct Plain {
    api_key: Option<String>,
    #[serde(default)]
    api_keys: HashMap<String, String>,
}

/// Texts made of pieces that are special to a YAML parser, and of keys.
fn soup() -> impl Strategy<Value = String> {
    const PIECES: [&str; 44] = [
        "api_keys:",
        "api_key: ",
        "allow_weak_keys: true\n",
        "c4n4ry",
        "c4n4ry-0123456789",
        "User 1",
        "\n",
        "\n  ",
        "\n    ",
        "\r\n",
        "\r",
        " ",
        "  ",
        "\t",
        ": ",
        ":",
        "- ",
        "? ",
        ", ",
        "[",
        "]",
        "{",
        "}",
        "&",
        "*",
        "!",
        "!!str ",
        "|",
        ">",
        "|-",
        "'",
        "\"",
        "%",
        "@",
        "`",
        "#",
        " # ",
        "\\",
        "---\n",
        "...\n",
        "<<: ",
        "\u{feff}",
        "\0",
        "é\u{2028}🔑",
    ];
    let piece = prop_oneof![
        30 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let pieces = prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat());
    prop_oneof![
        pieces.clone(),
        pieces.prop_map(|pieces| format!(
            "allow_weak_keys: true\napi_keys:\n  c4n4ry: x\n  {pieces}"
        )),
    ]
}

fn letter() -> impl Strategy<Value = char> {
    let shown = |letter: char| if letter.is_control() { 'é' } else { letter };
    prop_oneof![8 => prop::char::range(' ', '~'), 1 => any::<char>().prop_map(shown)]
}

/// A text without outer blanks.
fn text(letters: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(letter(), letters).prop_map(|mut letters| {
        let last = letters.len() - 1;
        for outer in [0, last] {
            if letters[outer].is_whitespace() {
                letters[outer] = 'x';
            }
        }
        String::from_iter(letters)
    })
}

fn key() -> impl Strategy<Value = String> {
    text(16..60).prop_map(|key| {
        key.replace(|char: char| is_invisible(char) || (char.is_whitespace() && char != ' '), "x")
    })
}

fn name() -> impl Strategy<Value = String> {
    let any = text(1..20).prop_map(|name| name.replace(is_invisible, "x"));
    prop_oneof![any, "[1-9] [a-z]{1,5}", "null|~|yes|1e3|0x1F|2001-01-01|<<|true"]
}

fn is_invisible(char: char) -> bool {
    static CLASS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{Cf}\p{Zl}\p{Zp}]$").expect("a class of characters"));
    !char.is_ascii() && CLASS.is_match(char.encode_utf8(&mut [0; 4]))
}

/// The layout of a file.
#[derive(Clone, Debug)]
struct Style {
    form: Form,
    /// A byte order mark, and perhaps `---`.
    begin: &'static str,
    remark: &'static str,
    line_end: &'static str,
    last_line_end: bool,
    quotes: Vec<Quotes>,
    escape_each: usize,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Block(usize),
    Explicit(usize),
    Flow,
}

#[derive(Clone, Copy, Debug)]
enum Quotes {
    NoneIfPossible,
    Single,
    Double,
}

fn style() -> impl Strategy<Value = Style> {
    let form = prop_oneof![
        (1..9_usize).prop_map(Form::Block),
        (1..9_usize).prop_map(Form::Explicit),
        Just(Form::Flow),
    ];
    let quotes =
        prop_oneof![Just(Quotes::NoneIfPossible), Just(Quotes::Single), Just(Quotes::Double)];
    let quotes = prop::collection::vec(quotes, 1..5);
    let begin = prop::sample::select(&["", "\u{feff}", "---", "\u{feff}---"][..]);
    let remark = prop::sample::select(&["", " # remark: '\"[{"][..]);
    let line_end = prop::sample::select(&["\n", "\r\n", "\r"][..]);
    (form, begin, remark, line_end, any::<bool>(), quotes, 1..20_usize).prop_map(
        |(form, begin, remark, line_end, last_line_end, quotes, escape_each)| Style {
            form,
            begin,
            remark,
            line_end,
            last_line_end,
            quotes,
            escape_each,
        },
    )
}

fn emit(entries: &BTreeMap<String, String>, single: Option<&str>, style: &Style) -> String {
    let flow = matches!(style.form, Form::Flow);
    let mut quotes = style.quotes.iter().copied().cycle();
    let mut scalar = |text: &str| {
        let quotes = quotes.next().expect("an endless cycle");
        emit_scalar(text, quotes, style.escape_each, flow)
    };
    let remark = style.remark;
    let mut lines = vec![format!("{}{remark}", style.begin)];
    lines.push(format!("allow_weak_keys: true{remark}"));
    lines.extend(single.map(|key| format!("api_key: {}{remark}", scalar(key))));
    lines.push(format!("api_keys:{}{remark}", if flow { " {" } else { "" }));
    for (key, name) in entries {
        let (key, name) = (scalar(key), scalar(name));
        match style.form {
            Form::Block(indent) => lines.push(format!("{:indent$}{key}: {name}{remark}", "")),
            Form::Explicit(indent) => {
                lines.push(format!("{:indent$}? {key}{remark}", ""));
                lines.push(format!("{:indent$}: {name}{remark}", ""));
            }
            Form::Flow => lines.push(format!("  {key}: {name},{remark}")),
        }
        lines.push(remark.to_owned());
    }
    lines.extend(flow.then(|| format!("  }}{remark}")));
    let end = if style.last_line_end { style.line_end } else { "" };
    format!("{}{end}", lines.join(style.line_end))
}

fn emit_scalar(text: &str, quotes: Quotes, escape_each: usize, flow: bool) -> String {
    match quotes {
        Quotes::NoneIfPossible if can_be_plain(text, flow) => text.to_owned(),
        Quotes::Single if text.chars().all(is_plain_letter) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        _ => {
            let letters = text.chars().enumerate().map(|(number, letter)| match letter {
                '"' | '\\' => format!("\\{letter}"),
                _ if is_plain_letter(letter) && number % escape_each != 0 => letter.to_string(),
                '\0'..='\u{ff}' => format!("\\x{:02x}", u32::from(letter)),
                '\u{100}'..='\u{ffff}' => format!("\\u{:04X}", u32::from(letter)),
                _ => format!("\\U{:08x}", u32::from(letter)),
            });
            format!("\"{}\"", letters.collect::<String>())
        }
    }
}

/// Scalars that both parsers read as the same text; YAML 1.1 and 1.2 differ about the rest.
fn is_plain_letter(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{10000}'..='\u{1ffff}')
}

fn can_be_plain(text: &str, flow: bool) -> bool {
    let indicators = "-?:,[]{}#&*!|>'\"%@`=<~";
    let null = ["null", "Null", "NULL", "~"].contains(&text);
    text.chars().all(is_plain_letter)
        && !text.starts_with(|letter| indicators.contains(letter))
        && !null
        && !text.contains(": ")
        && !text.ends_with(':')
        && !text.contains(" #")
        && !(flow && text.contains([',', '[', ']', '{', '}', ':', '?']))
}
