//! A client or key as JSON: the values of its columns.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;

use crate::client::ClientProfile;
use crate::key::{Rounding, Timestamp};
use crate::manage::{ClientFacts, KeyFacts};
use crate::store::sql::{BadRow, CLIENTS, Column, Cursor, KEYS, Value, ValueError, Values};

pub(super) fn to_json(profile: ClientProfile) -> serde_json::Value {
    let client = ClientFacts { profile, enabled: true };
    CLIENTS.columns.iter().map(|column| value(column, &client)).collect()
}

/// Returns the columns of a key that authentication needs.
pub(super) fn key_to_json(key: &KeyFacts) -> serde_json::Value {
    let columns = KEYS.columns.iter().filter(|column| column.authenticates);
    columns.map(|column| value(column, key)).collect()
}

pub(super) fn key_from_json(values: Vec<serde_json::Value>) -> Result<KeyFacts, BadRow> {
    Cursor::new(&JsonRow(values)).authenticating_key()?.complete()
}

fn value<T>(column: &Column<T>, row: &T) -> serde_json::Value {
    match column.value(row) {
        Value::Bytes(bytes) => json!(bytes),
        Value::Text(text) => json!(text),
        Value::Texts(texts) => json!(texts),
        Value::Flag(flag) => json!(flag),
        Value::Number(number) => json!(number),
        Value::Time(time) => json!(time),
    }
}

pub(super) fn from_json(values: Vec<serde_json::Value>) -> Result<ClientProfile, BadRow> {
    Ok(Cursor::new(&JsonRow(values)).client()?.complete()?.profile)
}

struct JsonRow(Vec<serde_json::Value>);

impl JsonRow {
    fn get<'a, T: Deserialize<'a>>(&'a self, index: usize) -> Result<T, ValueError> {
        T::deserialize(self.0.get(index).ok_or(ValueError)?).map_err(|_| ValueError)
    }
}

impl Values for JsonRow {
    const TIME: &'static str = "a time";

    fn bytes(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, ValueError> {
        Ok(self.get::<Option<Vec<u8>>>(index)?.map(Cow::Owned))
    }

    fn text(&self, index: usize) -> Result<Option<&str>, ValueError> {
        self.get(index)
    }

    fn texts(&self, index: usize) -> Result<Option<Vec<String>>, ValueError> {
        self.get(index)
    }

    fn flag(&self, index: usize) -> Result<Option<bool>, ValueError> {
        self.get(index)
    }

    fn time(&self, index: usize, rounding: Rounding) -> Result<Option<Timestamp>, ValueError> {
        let text: Option<&str> = self.get(index)?;
        text.map(|text| Timestamp::parse(text, rounding)).transpose().map_err(|_| ValueError)
    }

    fn number(&self, index: usize) -> Result<Option<i64>, ValueError> {
        self.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_is_read_as_it_was_written() {
        let detailed = ClientProfile::new("App 1")
            .with_scopes(["orders:read".parse().unwrap(), "*".parse().unwrap()])
            .with_quota("100/minute".parse().unwrap())
            .with_metadata([("team", "billing\n")]);
        for profile in [detailed, ClientProfile::new("User 1")] {
            let serde_json::Value::Array(values) = to_json(profile.clone()) else { panic!() };
            assert_eq!(from_json(values), Ok(profile));
        }
    }

    #[test]
    fn error_of_an_invalid_client_names_it() {
        let client = |name: &str, scope: &str, quota: Option<&str>, metadata: &str| {
            let values = json!([name, true, [scope], quota, metadata, null, []]);
            from_json(serde_json::from_value(values).unwrap())
        };
        assert!(client("App 1", "orders:read", None, "{\"team\":\"a\"}").is_ok());
        for (name, scope, metadata) in [
            ("App 1", "Orders", "{}"),
            ("App 1", "orders", "{\"team\":1}"),
            ("App 1", "orders", "[]"),
            (" App 1", "orders", "{}"),
        ] {
            let error = client(name, scope, None, metadata).unwrap_err();
            assert!(error.to_string().contains(&format!("the client `{name}`")), "{error}");
        }
        let quota = Some("{\"rate\":\"1/day\",\"burst\":36526}");
        let error = client("App 1", "orders", quota, "{}").unwrap_err().to_string();
        assert!(error.contains("the client `App 1`") && error.contains("100 years"), "{error}");
        for missing in 0..CLIENTS.columns.len() {
            let mut values: Vec<_> = serde_json::from_value(to_json("App 1".into())).unwrap();
            values.truncate(missing);
            assert!(from_json(values).is_err(), "{missing}");
        }
    }
}
