use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use keygate::KeyDigest;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::Fault;

/// A value of a YAML or JSON document. Unlike the formats' own types, it distinguishes strings from numbers, refuses
/// repeated names in a map, and zeroizes strings.
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(f64),
    Text(Zeroizing<String>),
    List(Vec<Node>),
    Map(Vec<(Zeroizing<String>, Node)>),
}

/// The path within a document, as in `consumers[2].username`.
pub(super) fn at(parent: &str, name: impl fmt::Display) -> String {
    if parent.is_empty() { name.to_string() } else { format!("{parent}.{name}") }
}

/// The names that paths may show. Other names are not shown, since in the wrong file they may be keys.
const STRUCTURE: [&str; 9] = [
    "filter_chains",
    "filters",
    "http_filters",
    "listeners",
    "resources",
    "static_resources",
    "typed_config",
    "typed_per_filter_config",
    "virtual_hosts",
];

const TWICE: &str = "a name occurs twice in a map";
const NOT_TEXT: &str = "a name is not a string: put it in quotes";
const TAGGED: &str = "YAML tags (`!`) are not supported: remove the tag, or put the text in quotes";
const TOO_LARGE: &str =
    "its aliases (`*`) expand to too much: write out the values that contain keys";

/// The factor by which aliases may expand a document beyond its text.
const MAX_GROWTH: usize = 16;

impl Node {
    /// Parses all documents of a YAML text. JSON is a subset of YAML.
    pub(super) fn parse(text: &str) -> Result<Vec<Self>, Fault> {
        let is_json = text.trim_start().starts_with(['{', '[']);
        // YAML parsers refuse some JSON escapes.
        if is_json && let Ok(node) = json(text) {
            return Ok(vec![node]);
        }
        let room = Cell::new(text.len().saturating_mul(MAX_GROWTH));
        let documents = serde_yaml::Deserializer::from_str(text);
        documents
            .map(|document| NodeSeed(&room).deserialize(document).map_err(|error| fault(&error)))
            .collect()
    }

    /// Returns the value with this name. Null counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let (_, value) = self.entries().iter().find(|(other, _)| other.as_str() == name)?;
        (!matches!(value, Self::Null)).then_some(value)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        match self.get(name)? {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Self::Bool(true)))
    }

    /// Returns the items of the list with this name, each with its position.
    pub(super) fn items(&self, parent: &str, name: &str) -> Vec<(String, &Self)> {
        let list = self.get(name).map_or(&[][..], Self::as_list);
        let place = |index| format!("{}[{index}]", at(parent, name));
        list.iter().enumerate().map(|(index, item)| (place(index), item)).collect()
    }

    /// Returns the items of a list, each with its position. The list is the document itself, or has one of these names.
    pub(super) fn rows(&self, names: &[&str]) -> Vec<(String, &Self)> {
        if let Some(name) = names.iter().find(|name| self.get(name).is_some()) {
            return self.items("", name);
        }
        let items = self.as_list().iter().enumerate();
        items.map(|(index, item)| (format!("[{index}]"), item)).collect()
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn entries(&self) -> &[(Zeroizing<String>, Self)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Calls a function for this value and all values within it.
    pub(super) fn visit(&self, parent: &str, visit: &mut impl FnMut(&str, &Self)) {
        visit(parent, self);
        for (index, item) in self.as_list().iter().enumerate() {
            item.visit(&format!("{parent}[{index}]"), visit);
        }
        for (name, value) in self.entries() {
            let known = STRUCTURE.iter().find(|known| **known == name.as_str());
            value.visit(&at(parent, known.unwrap_or(&"*")), visit);
        }
    }
}

fn json(text: &str) -> serde_json::Result<Node> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let node = NodeSeed(&Cell::new(usize::MAX)).deserialize(&mut deserializer)?;
    deserializer.end().map(|()| node)
}

/// Describes an error without the parser's message, which may quote a key.
fn fault(error: &serde_yaml::Error) -> Fault {
    let message = error.to_string();
    let known = [TWICE, NOT_TEXT, TAGGED, TOO_LARGE];
    let known = known.into_iter().find(|known| message.contains(known));
    let why = known.unwrap_or("this is not valid YAML or JSON");
    let at = error.location().map(|place| format!("{}:{}", place.line(), place.column()));
    Fault { at: at.unwrap_or_default(), why: why.to_owned() }
}

/// Parses a value within a size limit, since a YAML alias has only a few bytes but may expand to any number.
#[derive(Clone, Copy)]
struct NodeSeed<'a>(&'a Cell<usize>);

impl NodeSeed<'_> {
    fn take<E: de::Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.0.get().checked_sub(bytes).ok_or_else(|| E::custom(TOO_LARGE))?;
        self.0.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.take(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a list or a map")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Node, E> {
        self.take(value.len())?;
        Ok(Node::Text(value.to_owned().into()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Node, E> {
        let value = Zeroizing::new(value);
        self.take(value.len())?;
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut entries: Vec<(Zeroizing<String>, Node)> = Vec::new();
        let mut names = HashSet::new();
        while let Some(name) = items.next_key_seed(self)? {
            let Node::Text(name) = name else {
                return Err(de::Error::custom(NOT_TEXT));
            };
            if !names.insert(KeyDigest::of(name.as_bytes()).to_bytes()) {
                return Err(de::Error::custom(TWICE));
            }
            entries.push((name, items.next_value_seed(self)?));
        }
        Ok(Node::Map(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(de::Error::custom(TAGGED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_the_place_and_never_the_text() {
        for (text, place) in [
            ("a: 1\nhunter2hunter2hunter2: &x [\n", "3:"),
            ("{\"hunter2hunter2hunter2\": 1, \"hunter2hunter2hunter2\": 2}", "1:"),
            ("a: !hunter2hunter2 x\n", ""),
        ] {
            let Err(fault) = Node::parse(text) else { panic!("{text}") };
            assert!(fault.at.starts_with(place), "{}", fault.at);
            assert!(!format!("{}{}", fault.at, fault.why).contains("hunter2"), "{}", fault.why);
        }
    }

    #[test]
    fn aliases_cannot_make_much_of_a_short_text() {
        let many = |item: &str| [item; 300].join(",");
        let text = format!("a: &a [{}]\nb: &b [{}]\nc: [{}]\n", many("x"), many("*a"), many("*b"));
        let Err(fault) = Node::parse(&text) else { panic!("27 million values were read") };
        assert_eq!(fault.why, TOO_LARGE);
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(3_000), many("*a"));
        let Err(fault) = Node::parse(&long) else { panic!("900,000 bytes were read") };
        assert_eq!(fault.why, TOO_LARGE);
        let usual = "a: &a {key: x}\nb: [*a, *a]\n";
        assert_eq!(Node::parse(usual).ok().unwrap()[0].items("", "b")[1].1.text("key"), Some("x"));
    }

    #[test]
    fn numbers_of_any_size_and_tags_are_known() {
        let number = Node::parse("a: 123456789012345678901234567890\n").ok().unwrap();
        assert!(number[0].number("a").is_some_and(|number| number > 1e29));
        let Err(fault) = Node::parse("a: !x y\n") else { panic!("the tag was read") };
        assert_eq!(fault.why, TAGGED);
    }

    #[test]
    fn escapes_of_json_and_several_documents_are_read() {
        let json = Node::parse(r#"{"a\/b": "\ud83d\ude00"}"#).ok().unwrap();
        assert_eq!(json[0].text("a/b"), Some("\u{1f600}"));
        let documents = Node::parse("a: 1\n---\nb: [x, ~]\n").ok().unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].number("a"), Some(1.0));
        assert_eq!(documents[1].items("", "b")[0].0, "b[0]");
    }
}
