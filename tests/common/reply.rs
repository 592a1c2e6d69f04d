//! Everything that a caller sees of a response, in a comparable form.

use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// Sorted by name; lines of the same name keep their order.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    /// Reads a response.
    ///
    /// `Retry-After` is random, so it is checked and replaced with `1..=5`. `Content-Length` is added by the framework,
    /// so it is checked and left out.
    pub(crate) async fn of<B>(response: Response<B>) -> Self
    where
        B: hyper::body::Body<Error: std::fmt::Debug>,
    {
        let (mut parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        if let Some(length) = parts.headers.remove("content-length") {
            assert_eq!(length, body.len().to_string());
        }
        let mut fields: Vec<_> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), shown(name.as_str(), value)))
            .collect();
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        Self { status: parts.status, fields, body: String::from_utf8(body.into()).unwrap() }
    }

    pub(crate) fn lines(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|field| field.0 == name).map(|field| &*field.1).collect()
    }
}

fn shown(name: &str, value: &HeaderValue) -> String {
    let value = value.to_str().unwrap();
    if name != "retry-after" {
        return value.to_owned();
    }
    assert!((1..=5).contains(&value.parse().unwrap()), "Retry-After: {value}");
    "1..=5".to_owned()
}

/// The lines of a header, in order.
pub(crate) fn lines<'a, B>(response: &'a Response<B>, name: &str) -> Vec<&'a str> {
    response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}
