use std::fmt::Write as _;

use crate::client::{ClientProfile, ProfileParts, Quota, Rate};
use crate::key::Timestamp;

/// A value to be written to a key file, independent of its layout there.
#[derive(Clone, PartialEq)]
pub(in crate::store::yaml) enum Value {
    /// A scalar, written as it is.
    Raw(String),
    /// A scalar, written in quotes if necessary.
    Text(String),
    Mapping(Vec<(String, Value)>),
    List(Vec<Item>),
    /// A mapping or list that is written in flow style.
    Flow(Box<Value>),
}

/// An item of a list, and the comment after its first line.
#[derive(Clone, PartialEq)]
pub(in crate::store::yaml) struct Item {
    pub(super) value: Value,
    pub(super) comment: Option<String>,
}

impl Value {
    pub(in crate::store::yaml) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Returns the fields of a client, without its keys.
    pub(in crate::store::yaml) fn client(profile: &ClientProfile) -> Vec<(String, Self)> {
        let ProfileParts { name: _, title, scopes, networks, quota, metadata } = profile.parts();
        let mut fields = Vec::new();
        fields.extend(title.map(|title| ("title".to_owned(), Self::text(title))));
        if !scopes.is_empty() {
            fields.push(("scopes".to_owned(), Self::texts(scopes)));
        }
        if !networks.is_empty() {
            fields.push(("networks".to_owned(), Self::texts(networks)));
        }
        if let Some(quota) = quota {
            fields.push(("quota".to_owned(), quota_value(quota)));
        }
        if !metadata.is_empty() {
            let metadata = metadata.iter().map(|(name, value)| (name.clone(), Self::text(value)));
            let metadata = Self::Flow(Box::new(Self::Mapping(metadata.collect())));
            fields.push(("metadata".to_owned(), metadata));
        }
        fields
    }

    /// Returns a list of texts on one line.
    pub(in crate::store::yaml) fn texts(texts: &[impl ToString]) -> Self {
        Self::flow_list(texts.iter().map(|text| Self::text(&text.to_string())))
    }

    fn flow_list(values: impl Iterator<Item = Self>) -> Self {
        let items = values.map(|value| Item { value, comment: None });
        Self::Flow(Box::new(Self::List(items.collect())))
    }

    /// Returns whether a scalar in the file has the same text, or is the same time in another notation.
    pub(super) fn is_equivalent(&self, old: &str) -> bool {
        let new = match self {
            Self::Raw(new) => new,
            Self::Text(new) => return old == new,
            _ => return false,
        };
        let instant = |text: &str| text.parse::<Timestamp>().ok();
        old == new || instant(new).is_some_and(|new| instant(old) == Some(new))
    }

    /// Returns the value in flow style, on one line.
    pub(super) fn flow(&self) -> String {
        match self {
            Self::Raw(text) => text.clone(),
            Self::Text(text) => scalar(text),
            Self::Flow(value) => value.flow(),
            Self::Mapping(entries) => {
                let entries = entries.iter().map(|(name, value)| entry(name, value));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
            Self::List(items) => {
                let items = items.iter().map(|item| item.value.flow());
                format!("[{}]", items.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Returns the entries or items in block style, as lines that begin in this column.
    pub(super) fn block(&self, column: usize) -> String {
        let mut lines = String::new();
        self.write_block(column, &mut lines);
        lines
    }

    fn write_block(&self, column: usize, into: &mut String) {
        match self {
            Self::Mapping(entries) => {
                for (name, value) in entries {
                    match value {
                        Self::Mapping(_) | Self::List(_) => {
                            let _ = writeln!(into, "{:column$}{}:", "", scalar(name));
                            value.write_block(column + 2, into);
                        }
                        value => _ = writeln!(into, "{:column$}{}", "", entry(name, value)),
                    }
                }
            }
            Self::List(items) => items.iter().for_each(|item| item.write(column, into)),
            Self::Raw(_) | Self::Text(_) | Self::Flow(_) => {}
        }
    }
}

/// Returns an entry of a mapping, with its value in flow style.
pub(super) fn entry(name: &str, value: &Value) -> String {
    format!("{}: {}", scalar(name), value.flow())
}

impl Item {
    /// Appends the item in block style, with its dash in this column.
    fn write(&self, column: usize, into: &mut String) {
        let lines = match &self.value {
            Value::Mapping(_) | Value::List(_) => self.value.block(column + 2),
            value => value.flow(),
        };
        let (first, others) = lines.split_once('\n').unwrap_or((&lines, ""));
        let comment = self.comment.as_ref().map_or(String::new(), |text| format!("  {text}"));
        let _ = write!(into, "{:column$}- {}{comment}\n{others}", "", first.trim_start());
    }
}

fn quota_value(quota: &Quota) -> Value {
    match quota.rates() {
        [] => Value::Raw("unlimited".to_owned()),
        [rate] => rate_value(rate),
        // Replaced as a whole, since the order of rates matters.
        rates => Value::Raw(Value::flow_list(rates.iter().map(rate_value)).flow()),
    }
}

fn rate_value(rate: &Rate) -> Value {
    let text = Value::Raw(rate.without_burst());
    if rate.burst() == rate.count() {
        return text;
    }
    let burst = Value::Raw(rate.burst().to_string());
    let entries = vec![("rate".to_owned(), text), ("burst".to_owned(), burst)];
    Value::Raw(Value::Mapping(entries).flow())
}

/// Returns a YAML scalar that every YAML reader parses as this text, quoted if necessary.
fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    // Invisible characters are escaped, so that editors keep them.
    let hidden = |char: char| {
        char.is_control()
            || matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if !text.contains(hidden) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            char if hidden(char) => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(char));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
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
