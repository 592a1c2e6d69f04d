use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;
use std::time::SystemTime;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use keygate::key::Timestamp;

use super::{Kind, Problem, Violation};

/// The query parameters of a request, to be taken by name.
///
/// Wrong parameters are collected, and [`Params::finish`] reports all of them at once. It also refuses parameters that
/// were not taken, since a misspelt filter would list everything.
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
    errors: Vec<Violation>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Self { pairs, errors: Vec::new() })
    }
}

impl Params {
    /// Takes all values with this name.
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        let (taken, rest) =
            std::mem::take(&mut self.pairs).into_iter().partition(|(other, _)| other == name);
        self.pairs = rest;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// Takes the value with this name, which must not be repeated.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            self.refuse(name, "is repeated");
        }
        values.pop()
    }

    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        text.parse().map_err(|error: T::Err| self.refuse(name, error.to_string())).ok()
    }

    pub(crate) fn time(&mut self, name: &str) -> Option<SystemTime> {
        self.parsed::<Timestamp>(name).map(Timestamp::system_time)
    }

    pub(crate) fn number(&mut self, name: &str, most: u64) -> Option<u64> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        if number.is_none() {
            self.refuse(name, format!("is not a whole number from 1 to {most}"));
        }
        number
    }

    /// Takes a value that must be one of several words, and returns its index.
    pub(crate) fn word(&mut self, name: &str, words: &[&str]) -> Option<usize> {
        let text = self.text(name)?;
        self.index(name, &text, words)
    }

    /// Takes values that must be among several words, and returns their indexes.
    pub(crate) fn all_words(&mut self, name: &str, words: &[&str]) -> Vec<usize> {
        self.all(name).iter().filter_map(|text| self.index(name, text, words)).collect()
    }

    fn index(&mut self, name: &str, text: &str, words: &[&str]) -> Option<usize> {
        let index = words.iter().position(|word| *word == text);
        if index.is_none() {
            self.refuse(name, format!("is not one of {}", words.join(", ")));
        }
        index
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.word(name, &["false", "true"]).map(|index| index == 1)
    }

    /// Takes pairs of the form `name:value`.
    pub(crate) fn pairs(&mut self, name: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for text in self.all(name) {
            match text.split_once(':') {
                Some((key, value)) => pairs.push((key.to_owned(), value.to_owned())),
                None => self.refuse(name, "does not have the form `name:value`"),
            }
        }
        pairs
    }

    fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(Violation::in_query(name, detail));
    }

    /// Refuses the request if a parameter was wrong or was not taken.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            // A long name may be a misplaced secret, so it is not repeated.
            let is_name =
                name.len() <= 32 && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'));
            let name = if is_name { &*name } else { "" };
            self.refuse(name, "is not a parameter of this request: remove it");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::parameters(self.errors)) }
    }
}

/// The name or ID in a request path.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = segment.map_err(|_| {
            Problem::new(Kind::NotFound, "The address is not valid percent-encoded UTF-8.")
        })?;
        Ok(Self(text))
    }
}
