use http::header::{HeaderMap, HeaderName};
use http::uri::{PathAndQuery, Uri};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::Credential;
use super::expected::Expected;
use super::kind::{Challenge, SourceKind};
use crate::error::ConfigError;

/// A parameter of the query with this name.
pub(super) struct Query(Box<str>);

impl Query {
    pub(super) fn new(name: &str) -> Result<Self, ConfigError> {
        if name.is_empty() { Err(ConfigError::QueryName) } else { Ok(Self(name.into())) }
    }

    /// Compares the decoded name: `api%5Fkey` is `api_key`. It is not copied, since a query may have thousands of pairs.
    fn is_ours(&self, pair: &str) -> bool {
        decoded(split(pair).0).eq(self.0.bytes())
    }
}

impl SourceKind for Query {
    fn read(&self, _: &HeaderMap, uri: Option<&Uri>, expected: Expected<'_>) -> Credential {
        let pairs = uri.and_then(Uri::query).into_iter().flat_map(pairs);
        let ours = pairs.filter(|pair| self.is_ours(pair));
        expected.read_one(ours.map(|pair| decode(split(pair).1)))
    }

    /// Removes the parameter. The others keep their order and their spelling.
    fn strip(&self, _: &mut HeaderMap, uri: &mut Uri, expected: Expected<'_>) {
        let Some(query) = uri.query() else { return };
        let is_ours = |pair: &&str| self.is_ours(pair) && expected.is_ours(&decode(split(pair).1));
        if !pairs(query).any(|pair| is_ours(&pair)) {
            return;
        }
        let kept: Vec<_> = pairs(query).filter(|pair| !is_ours(pair)).collect();
        let separator = if kept.is_empty() { "" } else { "?" };
        let path_and_query = format!("{}{separator}{}", uri.path(), kept.join("&"));
        // A part of a valid target is valid. If it were not, no query would be better than one with a key in it.
        let path_and_query = PathAndQuery::try_from(path_and_query)
            .or_else(|_| PathAndQuery::try_from(uri.path()))
            .unwrap_or_else(|_| PathAndQuery::from_static("/"));
        let mut parts = std::mem::take(uri).into_parts();
        parts.path_and_query = Some(path_and_query);
        *uri = Uri::from_parts(parts).unwrap_or_default();
    }

    fn header_name(&self) -> Option<&HeaderName> {
        None
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge::of_location("query", &self.0)
    }
}

fn pairs(query: &str) -> impl Iterator<Item = &str> {
    query.split('&')
}

fn split(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// Decodes into a buffer that never grows, since growing would leave behind a copy of part of the key.
fn decode(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    bytes.extend(decoded(text));
    bytes
}

/// Decodes to bytes, since keys are bytes and need not be UTF-8.
fn decoded(text: &str) -> impl Iterator<Item = u8> {
    // Split before decoding: an escaped `+` is a plus sign.
    text.split('+').enumerate().flat_map(|(index, part)| {
        let blank = (index > 0).then_some(b' ');
        blank.into_iter().chain(percent_decode(part.as_bytes()))
    })
}
