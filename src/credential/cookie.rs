use http::header::{COOKIE, HeaderMap, HeaderName};
use http::uri::Uri;

use super::Credential;
use super::expected::Expected;
use super::kind::{Challenge, SourceKind};
use super::lines::{is_token, members, remove_members};
use crate::error::ConfigError;

const SEPARATOR: u8 = b';';

/// A cookie of this name.
pub(super) struct Cookie(Box<str>);

impl Cookie {
    pub(super) fn new(name: &str) -> Result<Self, ConfigError> {
        if is_token(name) { Ok(Self(name.into())) } else { Err(ConfigError::CookieName) }
    }

    /// Returns the value of a pair of this name. Quotes are part of the value (RFC 6265 section 5.2).
    fn value_of<'a>(&self, pair: &'a [u8]) -> Option<&'a [u8]> {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        (pair[..equals].trim_ascii() == self.0.as_bytes()).then(|| pair[equals + 1..].trim_ascii())
    }
}

impl SourceKind for Cookie {
    /// Counts names, not lines: HTTP/2 may split `Cookie` into several (RFC 9113 section 8.2.3).
    fn read(&self, headers: &HeaderMap, _: Option<&Uri>, expected: Expected<'_>) -> Credential {
        let pairs = members(headers, &COOKIE, SEPARATOR);
        expected.read_one(pairs.filter_map(|pair| self.value_of(pair)))
    }

    fn strip(&self, headers: &mut HeaderMap, _: &mut Uri, expected: Expected<'_>) {
        remove_members(headers, &COOKIE, SEPARATOR, |pair| {
            self.value_of(pair).is_some_and(|value| expected.is_ours(value))
        });
    }

    fn header_name(&self) -> Option<&HeaderName> {
        Some(&COOKIE)
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge::of_location("cookie", &self.0)
    }
}
