//! The value of `api_keys` in the settings of an application.

use keygate::{ApiKeys, KeyDigest, Keys, LocalKeyStore as _, MemoryStore};
use proptest::prelude::*;
use serde::de::value::{self, MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize as _, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::loaders::{App, Loader, json, toml, yaml};

const KEYS: [(&str, &str); 3] = [
    ("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1"),
    ("ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM", "User 2"),
    ("Wg1vaDs8uqFbYtNDsJ8H3gKjl_oI0T_O6Jg8qNLWJcU", "App 1"),
];
const KEY: &str = KEYS[0].0;

fn client(store: &MemoryStore, key: &str) -> Option<String> {
    let record = store.find(&KeyDigest::of(key.as_bytes())).unwrap();
    record.map(|record| record.profile().name().to_owned())
}

#[test]
fn every_loader_reads_the_same_keys() {
    let in_yaml = KEYS.map(|(key, name)| format!("\n    {key}: {name}"));
    let in_json = KEYS.map(|(key, name)| format!(r#""{key}": "{name}""#));
    let in_toml = KEYS.map(|(key, name)| format!(r#"{key} = "{name}""#));
    let texts = [
        (Loader::YAML, yaml(&in_yaml.concat())),
        (Loader::JSON, json(&format!("{{{}}}", in_json.join(", ")))),
        (Loader::TOML, toml(&in_toml.join("\n"))),
    ];
    for (loaders, text) in texts {
        for loader in loaders {
            let store = loader.keys(&text).unwrap();
            assert_eq!(store.len(), KEYS.len(), "{loader:?}");
            for (key, name) in KEYS {
                assert_eq!(client(&store, key).as_deref(), Some(name), "{loader:?}");
            }
        }
    }
}

#[test]
fn no_keys_is_a_store_without_keys() {
    for loader in Loader::YAML {
        for none in ["", " {}", " null"] {
            assert!(loader.keys(&yaml(none)).unwrap().is_empty(), "{loader:?} {none}");
        }
    }
    for loader in Loader::JSON {
        assert!(loader.keys(&json("null")).unwrap().is_empty(), "{loader:?}");
    }
    assert!(MemoryStore::try_from(ApiKeys::default()).unwrap().is_empty());
}

const QUOTES: &str = ": write it as a text, in quotes";

#[test]
fn all_faults_are_reported_by_the_number_of_the_entry() {
    let keys = format!(
        r#"{{"hunter2": "User 1", "{KEY}": 7, "k{KEY}": true, "l{KEY}": null, "m{KEY}": ["x"], "n{KEY}": {{"x": 1}},
            "o{KEY}": "", "p{KEY}": " x", "q{KEY}\n": "x", "r{KEY}": "User 1"}}"#
    );
    let error = Loader::SerdeJson.keys(&json(&keys)).unwrap_err();
    let found = error.faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    let named = |number: u32, kind: &str| {
        format!("entry {number}: the name of the client is {kind}{QUOTES}")
    };
    let unnamed = |number: u32| {
        format!("entry {number}: no client is named for the key: write `KEY: client name`")
    };
    let expected = [
        "entry 1: the key is shorter than 16 characters and could be guessed: generate a key from \
         32 random bytes"
            .to_owned(),
        named(2, "a number"),
        named(3, "a boolean"),
        unnamed(4),
        named(5, "a list"),
        named(6, "a mapping"),
        unnamed(7),
        "entry 8: the name of the client begins or ends with a blank".to_owned(),
        "entry 9: the key contains a control character or a line end, which no header can carry"
            .to_owned(),
    ];
    assert_eq!(found, expected);
    let shown = format!("keys are refused: {}; and 6 more", expected[..3].join("; "));
    assert_eq!(error.to_string(), shown);
}

#[test]
fn other_types_than_a_map_are_refused() {
    let cases = [
        (format!("\"{KEY}\""), "a text"),
        (format!("[\"{KEY}\", {{\"{KEY}\": [1]}}]"), "a list"),
        ("1234567890123456789".to_owned(), "a number"),
        ("-1.5".to_owned(), "a number"),
        ("true".to_owned(), "a boolean"),
    ];
    for (value, found) in cases {
        for loader in Loader::JSON {
            let error = loader.keys(&json(&value)).unwrap_err().to_string();
            let expected = format!(
                "keys are refused: entry 1: expected a map of keys to client names, found {found}"
            );
            assert_eq!(error, expected, "{loader:?}");
        }
    }
    let error = Loader::SerdeYaml.keys(&yaml(&format!(" !keys {{{KEY}: User 1}}"))).unwrap_err();
    assert!(error.to_string().ends_with("found a tagged value"), "{error}");
}

#[test]
fn number_instead_of_a_key_is_refused() {
    let number = Loader::SerdeYaml.keys(&yaml("\n  0x9f3c5a7b1d2e4f68: User 1")).unwrap_err();
    assert_eq!(number.faults[0].reason, format!("the key is a number{QUOTES}"));
    let other = Loader::SerdeYaml.keys(&yaml("\n  'true': User 1\n  false: User 2")).unwrap_err();
    assert_eq!(other.faults[1].reason, format!("the key is a boolean{QUOTES}"));
    // In quotes, it is read as written.
    let text = Loader::SerdeYaml.keys(&yaml("\n  '0x9f3c5a7b1d2e4f68': User 1")).unwrap();
    assert_eq!(client(&text, "0x9f3c5a7b1d2e4f68").as_deref(), Some("User 1"));
}

#[test]
fn key_that_config_alters_is_refused() {
    // 0x5f3c5a7b1d2e4f68 is 6862498397285404520.
    let keys = yaml("\n  0x5f3c5a7b1d2e4f68: User 1");
    let error = Loader::ConfigYaml.keys(&keys).unwrap_err();
    assert!(error.to_string().contains("entry 1: the key has only digits"), "{error}");
    // This loader does not alter it.
    let store = Loader::FigmentYaml.keys(&keys).unwrap();
    assert_eq!(client(&store, "0x5f3c5a7b1d2e4f68").as_deref(), Some("User 1"));
}

#[test]
fn duplicate_key_is_refused_if_the_loader_passes_it_on() {
    let second = "entry 2: this key is the same as in entry 1: give each client its own key";
    let in_yaml = yaml(&format!("\n  {KEY}: User 1\n  {KEY}: User 2"));
    let in_json = json(&format!(r#"{{"{KEY}": "User 1", "{KEY}": "User 2"}}"#));
    let in_toml = toml(&format!("{KEY} = 'User 1'\n{KEY} = 'User 2'"));
    for (loader, text) in [(Loader::SerdeYaml, &in_yaml), (Loader::SerdeJson, &in_json)] {
        assert_eq!(
            loader.keys(text).unwrap_err().to_string(),
            format!("keys are refused: {second}")
        );
    }
    // These loaders refuse it themselves.
    assert!(Loader::ConfigYaml.load::<App>(&in_yaml).is_err());
    for loader in Loader::TOML {
        assert!(loader.load::<App>(&in_toml).is_err(), "{loader:?}");
    }
    // These keep the last one.
    for (loader, text) in [
        (Loader::FigmentYaml, &in_yaml),
        (Loader::FigmentJson, &in_json),
        (Loader::ConfigJson, &in_json),
    ] {
        assert_eq!(
            client(&loader.keys(text).unwrap(), KEY).as_deref(),
            Some("User 2"),
            "{loader:?}"
        );
    }
}

#[test]
fn one_client_may_have_several_keys() {
    let store = Loader::SerdeYaml.keys(&yaml(&format!("\n  {KEY}: A\n  k{KEY}: A"))).unwrap();
    assert_eq!((store.len(), store.client_count()), (2, 1));
}

#[test]
fn syntax_error_shows_no_key() {
    let in_yaml = [": *x", ": 'x", ": \"\\q\"", ": [", ": @x"];
    for after in in_yaml {
        let error = Loader::SerdeYaml.load::<App>(&yaml(&format!("\n  {KEY}: x\n  k{KEY}{after}")));
        let error = error.unwrap_err();
        assert!(!error.contains(KEY), "{error}");
        assert!(error.contains("line "), "{error}");
    }
    for keys in
        ["{\"K\": }", "{\"K\": \"x\", \"kK\" 1}", "[\"K\", ]", "{\"K\": [}", "{\"K\"", "[\"K"]
    {
        let error = Loader::SerdeJson.load::<App>(&json(&keys.replace('K', KEY))).unwrap_err();
        assert!(!error.contains(KEY), "{error}");
        assert!(error.contains("line 1 column "), "{error}");
    }
}

/// A value whose format fails, and quotes a key.
struct Quoting;

impl<'de> Deserializer<'de> for Quoting {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(value::Error::custom(KEY))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_> for Quoting {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[test]
fn error_of_a_format_crate_is_not_shown() {
    let errors = [
        ApiKeys::deserialize(MapDeserializer::new([("x", Quoting)].into_iter())).map(drop),
        ApiKeys::deserialize(MapDeserializer::new([(Quoting, "x")].into_iter())).map(drop),
        ApiKeys::deserialize(SeqDeserializer::new([Quoting].into_iter())).map(drop),
        Keys::deserialize(MapDeserializer::new([("api_key", Quoting)].into_iter())).map(drop),
        Keys::deserialize(MapDeserializer::new([(Quoting, "x")].into_iter())).map(drop),
        Keys::deserialize(SeqDeserializer::new([Quoting].into_iter())).map(drop),
    ];
    for error in errors {
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("entry 1 cannot be read") && !error.contains(KEY), "{error}");
    }
}

#[test]
fn keys_serialize_as_digests_and_load_again() {
    let keys: ApiKeys = serde_json::from_str(&format!(r#"{{"{KEY}": "User 1"}}"#)).unwrap();
    let written = serde_json::to_string(&keys).unwrap();
    let digest = KeyDigest::of(KEY.as_bytes()).to_text();
    assert_eq!(written, format!(r#"{{"{digest}":"User 1"}}"#));
    let again = serde_json::from_str::<ApiKeys>(&written).unwrap();
    let store = MemoryStore::try_from(again).unwrap();
    assert_eq!(client(&store, KEY).as_deref(), Some("User 1"));
    // The digest itself is not a key.
    assert_eq!(client(&store, &digest), None);

    let faulty: ApiKeys = serde_json::from_str(r#"{"hunter2": "User 1"}"#).unwrap();
    let error = serde_json::to_string(&faulty).unwrap_err().to_string();
    assert!(error.contains("shorter than 16 characters") && !error.contains("hunter2"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn key_is_the_same_through_serde_and_a_file(key in "[!-~]{16,40}", name in "[A-Z][a-z]{1,8}") {
        let loaded = serde_json::from_value::<ApiKeys>(serde_json::json!({ (&*key): name })).unwrap();
        let loaded = MemoryStore::try_from(loaded);
        let file = format!("api_keys:\n  '{}': {name}\n", key.replace('\'', "''"));
        let file = file.parse::<keygate::YamlStore>();
        if let (Ok(loaded), Ok(file)) = (&loaded, &file) {
            prop_assert_eq!(loaded.list_keys(None).unwrap(), file.list_keys(None).unwrap());
            prop_assert_eq!(client(loaded, &key), Some(name));
        }
        let is_number = key.bytes().all(|byte| byte.is_ascii_digit());
        prop_assert_eq!(loaded.is_ok(), file.is_ok() && !is_number);
    }
}
