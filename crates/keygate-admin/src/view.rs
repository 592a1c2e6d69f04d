//! The parts that pages share: URLs, times, badges, form fields and tables.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use keygate::KeyId;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::App;
use crate::error::PageError;

pub(crate) mod badge;
pub(crate) mod changes;
pub(crate) mod field;
pub(crate) mod filters;
pub(crate) mod paging;
pub(crate) mod table;
pub(crate) mod time;

/// Returns the path of a client's page, or of a page below it. `below` is empty or begins with a slash.
pub(crate) fn client_path(name: &str, below: &str) -> String {
    format!("/clients/{}{below}", segment(name))
}

/// Returns the URL of a client's page, or of a page below it. `below` is empty or begins with a slash.
pub(crate) fn client_url(app: &App, name: &str, below: &str) -> String {
    app.url(&client_path(name, below))
}

/// Returns the URL of a key's page, or of a page below it. `below` is empty or begins with a slash.
pub(crate) fn key_url(app: &App, key_id: KeyId, below: &str) -> String {
    app.url(&format!("/keys/{key_id}{below}"))
}

/// Returns the query part of a URL, without empty parameters.
pub(crate) fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        escape(&mut query, value);
    }
    query
}

/// Escapes a client's name as one path segment. Names that a browser or router would treat specially, such as `..`, get
/// the prefix `~`.
fn segment(name: &str) -> String {
    let mut segment = String::new();
    if matches!(name, "." | ".." | "new") || name.starts_with('~') {
        segment.push('~');
    }
    escape(&mut segment, name);
    segment
}

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn escape(text: &mut String, value: &str) {
    text.extend(utf8_percent_encode(value, UNRESERVED));
}

/// Renders text, with words between backticks as code. A backtick without a partner stays as it is.
pub(crate) fn with_code(text: &str) -> Markup {
    let parts: Vec<_> = text.split('`').collect();
    html! {
        @if parts.len() % 2 == 0 { (text) }
        @else {
            @for (index, part) in parts.iter().enumerate() {
                @if index % 2 == 1 { code { (part) } } @else { (part) }
            }
        }
    }
}

/// The name of a client in the path of a request.
pub(crate) struct ClientName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for ClientName {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path
            .map_err(|_| PageError::NotFound("This is not the address of a client.".to_owned()))?;
        Ok(Self(name.strip_prefix('~').map(str::to_owned).unwrap_or(name)))
    }
}

/// The id of a key in the path of a request.
pub(crate) struct KeyIdInPath(pub(crate) KeyId);

impl<S: Send + Sync> FromRequestParts<S> for KeyIdInPath {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let key_id = path.ok().and_then(|Path(id)| id.parse().ok());
        key_id.map(Self).ok_or_else(|| {
            PageError::NotFound(
                "No key has this ID. A key ID has 16 hexadecimal digits.".to_owned(),
            )
        })
    }
}

/// The query of a request.
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        let axum::extract::Query(pairs) =
            axum::extract::Query::try_from_uri(&parts.uri).map_err(|_| {
                PageError::BadRequest("The address of this page is malformed.".to_owned())
            })?;
        Ok(Self(pairs))
    }
}

impl Params {
    /// Returns the first parameter with this name, trimmed, or an empty text if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_one_plain_path_segment() {
        let cases = [
            ("App 1", "App%201"),
            ("a/b?c#d%", "a%2Fb%3Fc%23d%25"),
            ("..", "~.."),
            (".", "~."),
            ("...", "..."),
            ("new", "~new"),
            ("~new", "~~new"),
            ("Größe", "Gr%C3%B6%C3%9Fe"),
        ];
        for (name, expected) in cases {
            assert_eq!(segment(name), expected);
        }
    }

    #[test]
    fn words_between_backticks_are_code() {
        let shown = with_code("`a` <b> `c`.").into_string();
        assert_eq!(shown, "<code>a</code> &lt;b&gt; <code>c</code>.");
        assert_eq!(with_code("a ` b").into_string(), "a ` b");
    }

    #[test]
    fn query_omits_empty_parameters_and_escapes_the_rest() {
        assert_eq!(query([("search", ""), ("state", "")]), "");
        assert_eq!(query([("a", "x&y=1"), ("b", ""), ("c", "é +")]), "?a=x%26y%3D1&c=%C3%A9%20%2B");
    }
}
