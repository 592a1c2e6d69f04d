use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::SystemTime;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use keygate::Quota;
use keygate::key::{TimeError, Timestamp, looks_like_key};
use serde::Deserialize as _;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Kind, Problem, Violation};

/// The maximum size of a body in bytes. A client's metadata alone may have 4 KiB.
pub(crate) const LIMIT: usize = 64 * 1024;

const LIKE_KEY: &str = "looks like a key, and everyone can read it here: choose another text";

/// A field of a body.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Field<T> {
    #[default]
    Missing,
    Null,
    Set(T),
}

impl<T> Field<T> {
    /// Returns the value, for fields in which `null` means the same as a missing field.
    pub(crate) fn set(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Missing | Self::Null => None,
        }
    }
}

/// The fields of a JSON body, to be taken by name. An empty body has no fields.
///
/// Wrong fields are collected, and [`Fields::finish`] reports all of them at once. It also refuses fields that were not
/// taken.
pub(crate) struct Fields {
    values: Map<String, Value>,
    errors: Vec<Violation>,
    fingerprint: [u8; 32],
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let declared = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if declared
            .and_then(|length| length.parse().ok())
            .is_some_and(|length: u64| length > LIMIT as u64)
        {
            return Err(too_large());
        }
        let has_body = declared.is_some_and(|length| length != "0");
        if has_body || parts.headers.contains_key(CONTENT_TYPE) {
            require_json(&parts.headers)?;
        }
        // The only other reason is a broken connection, on which nobody receives the response.
        let bytes = to_bytes(body, LIMIT).await.map_err(|_| too_large())?;
        if !bytes.is_empty() {
            require_json(&parts.headers)?;
        }
        Self::parse(&bytes)
    }
}

fn too_large() -> Problem {
    Problem::new(
        Kind::TooLarge,
        format!("The body is larger than {} KiB, or incomplete.", LIMIT / 1024),
    )
}

/// Refuses bodies that are not declared as JSON. Browsers send JSON to another origin only after a preflight.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let refusal = |detail| Err(Problem::new(Kind::MediaType, detail));
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return refusal("Send the body without `Content-Encoding`.");
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let media_type = types.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let is_json = ["application/json", "application/merge-patch+json"]
        .iter()
        .any(|json| media_type.eq_ignore_ascii_case(json));
    if !is_json || types.next().is_some() {
        return refusal("Send the `Content-Type: application/json` header.");
    }
    Ok(())
}

impl Fields {
    fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let fingerprint = Sha256::digest(bytes).into();
        let errors = Vec::new();
        if bytes.is_empty() {
            return Ok(Self { values: Map::new(), errors, fingerprint });
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(values)) => Ok(Self { values, errors, fingerprint }),
            Ok(_) => Err(Problem::new(Kind::Malformed, "The body is JSON, but not an object.")),
            // The parser's message could quote the body.
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                let detail =
                    format!("The body is not valid JSON: see line {line}, column {column}.");
                Err(Problem::new(Kind::Malformed, detail))
            }
        }
    }

    /// Returns the SHA-256 of the body.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Takes a field. A field with an invalid value counts as missing, after its error was collected.
    fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self, Value) -> Result<T, String>,
    ) -> Field<T> {
        match self.values.remove(name) {
            None => Field::Missing,
            Some(Value::Null) => Field::Null,
            Some(value) => match read(self, value) {
                Ok(value) => Field::Set(value),
                Err(detail) => {
                    self.refuse(&format!("/{name}"), detail);
                    Field::Missing
                }
            },
        }
    }

    pub(crate) fn refuse(&mut self, pointer: &str, detail: impl Into<String>) {
        self.errors.push(Violation::at(pointer, detail));
    }

    /// Takes a string that is shown to people, and refuses one that looks like a key.
    pub(crate) fn text(&mut self, name: &str) -> Field<String> {
        self.take(name, |_, value| {
            let text = text(value)?;
            if looks_like_key(&text) { Err(LIKE_KEY.to_owned()) } else { Ok(text) }
        })
    }

    /// Takes a required string.
    pub(crate) fn required_text(&mut self, name: &str) -> String {
        let is_missing = self.values.get(name).is_none_or(Value::is_null);
        if is_missing {
            self.refuse(&format!("/{name}"), "is missing");
        }
        self.text(name).set().unwrap_or_default()
    }

    /// Takes a list of strings and parses each of them. `null` means an empty list.
    pub(crate) fn list<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<Vec<T>> {
        let list = self.take(name, |fields, value| {
            let Value::Array(values) = value else {
                return Err("is not a list of strings".to_owned());
            };
            let mut list = Vec::with_capacity(values.len());
            for (index, value) in values.into_iter().enumerate() {
                match text(value)
                    .and_then(|text| text.parse().map_err(|error: T::Err| error.to_string()))
                {
                    Ok(value) => list.push(value),
                    Err(detail) => fields.refuse(&format!("/{name}/{index}"), detail),
                }
            }
            Ok(list)
        });
        match list {
            Field::Missing => None,
            Field::Null => Some(Vec::new()),
            Field::Set(list) => Some(list),
        }
    }

    /// Takes the time at which something ends. Fractions of a microsecond are cut off.
    pub(crate) fn end(&mut self, name: &str) -> Field<SystemTime> {
        self.time(name, str::parse)
    }

    /// Takes the time at which something begins. Fractions of a microsecond are rounded up.
    pub(crate) fn beginning(&mut self, name: &str) -> Field<SystemTime> {
        self.time(name, Timestamp::parse_rounded_up)
    }

    fn time(
        &mut self,
        name: &str,
        parse: fn(&str) -> Result<Timestamp, TimeError>,
    ) -> Field<SystemTime> {
        self.take(name, |_, value| {
            let time = parse(&text(value)?).map_err(|error| error.to_string())?;
            Ok(time.system_time())
        })
    }

    /// Takes a non-negative whole number.
    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        let number = self.take(name, |_, value| {
            value.as_u64().ok_or_else(|| "is not a non-negative whole number".to_owned())
        });
        number.set()
    }

    pub(crate) fn quota(&mut self, name: &str) -> Field<Quota> {
        self.take(name, |_, value| match value {
            Value::String(text) => text.parse().map_err(|error: keygate::client::ParseQuotaError| error.to_string()),
            // Serde's message could quote the value.
            value => Quota::deserialize(value).map_err(|_| {
                "is not a quota: write `\"100/minute\"`, `{\"rate\": \"100/minute\", \"burst\": 20}`, a list of \
                 these, or `\"unlimited\"`"
                    .to_owned()
            }),
        })
    }

    /// Takes an object of strings, in which `null` marks entries to remove. Names and values that look like keys are
    /// refused, but entries with such names can be removed.
    pub(crate) fn metadata(&mut self, name: &str) -> Field<BTreeMap<String, Option<String>>> {
        self.take(name, |fields, value| {
            let Value::Object(values) = value else {
                return Err("is not an object of strings".to_owned());
            };
            let mut metadata = BTreeMap::new();
            for (key, value) in values {
                match value {
                    Value::Null => drop(metadata.insert(key, None)),
                    Value::String(text) if looks_like_key(&key) || looks_like_key(&text) => {
                        fields.refuse(&format!("/{name}"), format!("has an entry that {LIKE_KEY}"));
                    }
                    Value::String(text) => drop(metadata.insert(key, Some(text))),
                    _ => fields.refuse(&format!("/{name}"), "has a value that is not a string"),
                }
            }
            Ok(metadata)
        })
    }

    /// Refuses the request if a field was wrong or was not taken.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for name in std::mem::take(&mut self.values).keys() {
            // A long name may be a misplaced secret, so it is not repeated.
            let is_name =
                name.len() <= 32 && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'));
            let pointer = if is_name { format!("/{name}") } else { String::new() };
            self.refuse(&pointer, "is not a field of this request: remove it");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::fields(self.errors)) }
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("is not a string".to_owned()),
    }
}
