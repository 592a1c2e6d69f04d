//! Literals, for statements without parameters, which take one round trip instead of two.

use crate::store::postgres::settings::hex;
use crate::store::sql::Value;

/// Replaces the parameters `$1`, `$2` of a statement.
pub(super) fn with_literals(sql: &str, values: &[Value<'_>]) -> String {
    let mut parts = sql.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|char: char| !char.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(end);
        let number = number.parse::<usize>().ok();
        match number.and_then(|number| values.get(number.checked_sub(1)?)) {
            Some(value) => filled.extend([&*value_literal(value), rest]),
            None => filled.extend(["$", part]),
        }
    }
    filled
}

fn value_literal(value: &Value<'_>) -> String {
    let null = || "null".to_owned();
    match value {
        Value::Bytes(bytes) => format!("pg_catalog.decode('{}', 'hex')", hex(bytes)),
        Value::Text(text) => text.as_deref().map_or_else(null, literal),
        Value::Texts(texts) => array(texts.iter()),
        Value::Flag(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Time(time) => time.map_or_else(null, |time| literal(&time.to_string())),
    }
}

/// Quotes a text for a statement without parameters, whatever the server's `standard_conforming_strings`. A function
/// that decodes it from bytes would add a collation.
pub(super) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Returns an array as one literal, since parsing a list of a million elements is slow.
pub(super) fn array(texts: impl Iterator<Item = impl AsRef<str>>) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let texts = texts.map(|text| format!("\"{}\"", quoted(text.as_ref())));
    format!("{}::text[]", literal(&format!("{{{}}}", texts.collect::<Vec<_>>().join(","))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_parameters_in_an_argument_stay_text() {
        let sql = "update t set a = $2 where b = $1";
        let filled = |text| with_literals(sql, &[Value::from(text), Value::Flag(true)]);
        assert_eq!(filled("x"), "update t set a = true where b = E'x'");
        assert_eq!(filled("$2 '\\"), "update t set a = true where b = E'$2 ''\\\\'");
        assert_eq!(with_literals("select 'costs 5$'", &[]), "select 'costs 5$'");
        let many = (0..12).map(Value::Number).collect::<Vec<_>>();
        assert_eq!(with_literals("$1, $12, $13", &many), "0, 11, $13");
        let list = [Value::Texts(["a\"b", "c'd", "e\\f"].map(str::to_owned).to_vec())];
        let expected = "E'{\"a\\\\\"b\",\"c''d\",\"e\\\\\\\\f\"}'::text[]";
        assert_eq!(with_literals("$1", &list), expected);
    }
}
