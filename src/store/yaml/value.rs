use std::fmt::Write as _;

use crate::key::Timestamp;

/// A value to be written: to a key file, to an application's settings or to the log of changes.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(u32),
    /// A text that needs no quotes in YAML, such as a time.
    Plain(String),
    Text(String),
    Mapping(Vec<(String, Value)>),
    List(Vec<Item>),
    /// A mapping or list that YAML has on one line, in flow style.
    Flow(Box<Value>),
}

/// An item of a list, and the comment after its first line.
#[derive(Clone, PartialEq)]
pub(super) struct Item {
    pub(super) value: Value,
    pub(super) comment: Option<String>,
}

impl From<Value> for Item {
    fn from(value: Value) -> Self {
        Self { value, comment: None }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Syntax {
    Yaml,
    Json,
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Returns a text that needs no quotes in YAML, or null.
    pub(super) fn plain(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Null, |value| Self::Plain(value.to_string()))
    }

    /// Returns a list of texts on one line.
    pub(super) fn texts(texts: &[impl ToString]) -> Self {
        Self::flow_list(texts.iter().map(|text| Self::Text(text.to_string())))
    }

    pub(super) fn flow_list(values: impl Iterator<Item = Self>) -> Self {
        Self::Flow(Box::new(Self::List(values.map(Item::from).collect())))
    }

    pub(super) fn flow_mapping(entries: Vec<(String, Self)>) -> Self {
        Self::Flow(Box::new(Self::Mapping(entries)))
    }

    /// Returns whether this is null, an empty mapping or an empty list.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Mapping(entries) => entries.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Flow(value) => value.is_empty(),
            Self::Bool(_) | Self::Number(_) | Self::Plain(_) | Self::Text(_) => false,
        }
    }

    /// Returns whether a scalar in the file has the same text, or is the same time in another notation.
    pub(super) fn is_equivalent(&self, old: &str) -> bool {
        let (Self::Text(new) | Self::Plain(new)) = self else { return false };
        let is_same_time = || {
            let time = new.parse::<Timestamp>();
            time.is_ok_and(|new| old.parse() == Ok(new))
        };
        old == new || matches!(self, Self::Plain(_)) && is_same_time()
    }

    /// Returns the value on one line, in YAML in flow style.
    pub(super) fn line(&self, syntax: Syntax) -> String {
        let comma = if syntax == Syntax::Yaml { ", " } else { "," };
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Plain(text) if syntax == Syntax::Yaml => text.clone(),
            Self::Plain(text) | Self::Text(text) => scalar(text, syntax),
            Self::Mapping(_) => format!("{{{}}}", self.parts(syntax).join(comma)),
            Self::List(_) => format!("[{}]", self.parts(syntax).join(comma)),
            Self::Flow(value) => value.line(syntax),
        }
    }

    /// Returns the entries or items, each on one line.
    pub(super) fn parts(&self, syntax: Syntax) -> Vec<String> {
        if let Self::Mapping(entries) = self {
            entries.iter().map(|(name, value)| entry(name, value, syntax)).collect()
        } else if let Self::List(items) = self {
            items.iter().map(|item| item.value.line(syntax)).collect()
        } else {
            Vec::new()
        }
    }

    /// Returns the entries or items in block style, as lines that begin in this column.
    pub(super) fn block(&self, column: usize) -> String {
        if let Self::Mapping(entries) = self {
            let lines = entries.iter().map(|(name, value)| match value {
                Self::Mapping(_) | Self::List(_) => {
                    let name = scalar(name, Syntax::Yaml);
                    format!("{:column$}{name}:\n{}", "", value.block(column + 2))
                }
                value => format!("{:column$}{}\n", "", entry(name, value, Syntax::Yaml)),
            });
            lines.collect()
        } else if let Self::List(items) = self {
            items.iter().map(|item| item.block(column)).collect()
        } else {
            self.line(Syntax::Yaml)
        }
    }
}

fn entry(name: &str, value: &Value, syntax: Syntax) -> String {
    let colon = if syntax == Syntax::Yaml { ": " } else { ":" };
    format!("{}{colon}{}", scalar(name, syntax), value.line(syntax))
}

impl Item {
    /// Returns the item in block style, with its dash in this column.
    fn block(&self, column: usize) -> String {
        let lines = self.value.block(column + 2);
        let (first, others) = lines.split_once('\n').unwrap_or((&lines, ""));
        let comment = self.comment.as_ref().map_or(String::new(), |text| format!("  {text}"));
        format!("{:column$}- {}{comment}\n{others}", "", first.trim_start())
    }
}

/// Returns a scalar that every reader parses as this text.
fn scalar(text: &str, syntax: Syntax) -> String {
    match syntax {
        Syntax::Yaml if is_plain(text) => text.to_owned(),
        Syntax::Yaml if !text.contains(is_hidden) => format!("'{}'", text.replace('\'', "''")),
        Syntax::Yaml | Syntax::Json => quoted(text),
    }
}

/// Returns a text in double quotes, which are the same in YAML and in JSON. Invisible characters are escaped, so that
/// editors keep them.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            char if is_hidden(char) => _ = write!(quoted, "\\u{:04x}", u32::from(char)),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Returns whether a text needs no quotes in block or flow style: it contains no YAML syntax, and no reader parses it
/// as a number, a boolean or `null`.
fn is_plain(text: &str) -> bool {
    let fits = |char: char| {
        char.is_alphanumeric()
            || matches!(char, ' ' | '_' | '.' | '/' | '@' | '+' | '-' | ':' | '*')
    };
    let like_a_word = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(char::is_alphabetic)
        && text.chars().all(fits)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !like_a_word.contains(&&*text.to_ascii_lowercase())
}
