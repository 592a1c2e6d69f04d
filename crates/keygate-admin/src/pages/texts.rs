//! Scopes, networks, quotas and metadata as editable text.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use keygate::Quota;
use keygate::client::Rate;
use keygate::key::looks_like_key;

/// Formats a list with one item per line.
pub(crate) fn lines<T: Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Parses items that are separated by spaces, commas or line breaks.
pub(crate) fn items<T: FromStr<Err: Display>>(text: &str) -> Result<Vec<T>, String> {
    words(text).map(|word| word.parse().map_err(|error| said_of(word, error))).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_gap = |char: char| char.is_whitespace() || char == ',';
    text.split(is_gap).filter(|word| !word.is_empty())
}

/// Adds the wrong word to an error message, unless the word looks like a key.
fn said_of(word: &str, error: impl Display) -> String {
    if looks_like_key(word) || word.chars().count() > 60 {
        return error.to_string();
    }
    format!("“{word}”: {error}")
}

/// Returns whether two texts of a field are the same. Scopes and networks may be in any order: the checkboxes send
/// them in another order than the stored text.
pub(crate) fn is_same(field: &str, one: &str, other: &str) -> bool {
    one == other || (matches!(field, "scopes" | "networks") && sorted(one) == sorted(other))
}

fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<_> = words(text).collect();
    words.sort_unstable();
    words
}

/// Formats a quota with one rate per line, such as `100/minute burst 20`.
pub(crate) fn quota(quota: Option<&Quota>) -> String {
    match quota {
        None => String::new(),
        Some(quota) if quota.is_unlimited() => "unlimited".to_owned(),
        Some(quota) => quota.rates().iter().map(rate).collect::<Vec<_>>().join("\n"),
    }
}

fn rate(rate: &Rate) -> String {
    let text = rate.to_string();
    match text.split_once(", ") {
        Some((plain, _)) => format!("{plain} burst {}", rate.burst()),
        None => text,
    }
}

/// Parses a quota. Returns `None` if the text is empty.
pub(crate) fn parse_quota(text: &str) -> Result<Option<Quota>, String> {
    let parts = text.split(['\n', ',', ';']).map(str::trim);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [] => Ok(None),
        ["unlimited"] => Ok("unlimited".parse().ok()),
        _ => {
            let rates = parts.iter().map(|part| parse_rate(part)).collect::<Result<Vec<_>, _>>()?;
            Quota::all_of(rates).map(Some).map_err(|error| error.to_string())
        }
    }
}

fn parse_rate(text: &str) -> Result<Rate, String> {
    let said = |error: &dyn Display| said_of(text, error);
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        [rate] => rate.parse().map_err(|error| said(&error)),
        [rate, "burst", burst] => {
            let rate = rate.parse::<Rate>().map_err(|error| said(&error))?;
            let burst =
                burst.parse::<u32>().map_err(|_| said(&"a burst must be a whole number"))?;
            rate.with_burst(burst).map_err(|error| said(&error))
        }
        _ => Err(said(&"write a rate as `100/minute` or `100/minute burst 20`")),
    }
}

/// Formats metadata with one `name=value` per line, or as JSON if those lines would not parse back to the same
/// metadata.
pub(crate) fn metadata(metadata: &BTreeMap<String, String>) -> String {
    let lines: Vec<_> = metadata.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let lines = lines.join("\n");
    if parse_metadata(&lines).as_ref() == Ok(metadata) {
        return lines;
    }
    serde_json::to_string_pretty(metadata).unwrap_or_default()
}

/// Parses `name=value` lines, or a JSON object of strings.
pub(crate) fn parse_metadata(text: &str) -> Result<BTreeMap<String, String>, String> {
    if text.starts_with('{') {
        let parsed = serde_json::from_str(text);
        return parsed.map_err(|_| {
            "metadata in JSON must be an object of strings, such as {\"team\": \"billing\"}"
                .to_owned()
        });
    }
    let mut metadata = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => (name.trim(), value.trim()),
            _ => return Err(format!("line {number} is not written as name=value")),
        };
        if metadata.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("line {number} repeats a name"));
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use keygate::Scope;

    use super::*;

    #[test]
    fn items_are_separated_by_spaces_commas_or_newlines() {
        let scopes = items::<Scope>("orders:read, stock:*\r\n a\n");
        assert_eq!(scopes.map(|scopes| lines(&scopes)), Ok("orders:read\nstock:*\na".to_owned()));
        let error = items::<Scope>("a Orders").unwrap_err();
        assert!(error.starts_with("“Orders”: segment 1"), "{error}");
        let key = keygate::ApiKey::generate("kg").unwrap();
        assert!(!items::<Scope>(key.expose()).unwrap_err().contains(key.expose()));
    }

    #[test]
    fn quotas_round_trip_as_text() {
        for text in ["", "unlimited", "9/day", "100/minute burst 20", "9/second\n1000/day burst 5"]
        {
            let parsed = parse_quota(text).unwrap();
            assert_eq!(quota(parsed.as_ref()), text);
        }
        assert_eq!(
            quota(parse_quota("9/second, 1000/day").unwrap().as_ref()),
            "9/second\n1000/day"
        );
        for text in
            ["9", "9/week", "unlimited, 9/day", "9/day burst", "9/day burst x", "9/day burst 0"]
        {
            assert!(parse_quota(text).is_err(), "{text}");
        }
    }

    #[test]
    fn metadata_round_trips_as_text() {
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let plain: BTreeMap<_, _> =
            of(&[("owner", "Ann <ann@a.example>"), ("team", "a=b"), ("x", "")]);
        assert_eq!(metadata(&plain), "owner=Ann <ann@a.example>\nteam=a=b\nx=");
        for hard in [
            of(&[("a=b", "c")]),
            of(&[("a", "b\nc")]),
            of(&[(" a", "b ")]),
            of(&[("", "b")]),
            of(&[("{", "b")]),
        ] {
            let text = metadata(&hard).replace('\n', "\r\n");
            assert_eq!(parse_metadata(&text), Ok(hard), "{text}");
        }
        for text in ["team", "=x", "a=1\na=2", "{\"a\": 1}", "{"] {
            assert!(parse_metadata(text).is_err(), "{text}");
        }
    }
}
