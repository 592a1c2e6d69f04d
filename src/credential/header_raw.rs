use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::uri::Uri;

use super::authorization::{BEARER, is_scheme_name, split};
use super::basic::BASIC;
use super::expected::Expected;
use super::kind::{Challenge, SourceKind};
use super::lines::rewrite;
use super::{Credential, has_several};
use crate::error::ConfigError;

/// A header with a key that has no scheme. Credentials with a scheme are not read.
pub(super) struct HeaderRaw(HeaderName);

impl HeaderRaw {
    pub(super) fn new(name: &str) -> Result<Self, ConfigError> {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(COOKIE) => Err(ConfigError::SharedHeader("cookie")),
            Ok(SEC_WEBSOCKET_PROTOCOL) => Err(ConfigError::SharedHeader("sec-websocket-protocol")),
            Ok(name) => Ok(Self(name)),
            Err(_) => Err(ConfigError::HeaderName),
        }
    }
}

impl SourceKind for HeaderRaw {
    fn read(&self, headers: &HeaderMap, _: Option<&Uri>, expected: Expected<'_>) -> Credential {
        if has_several(headers, &self.0) {
            return expected.read_one(headers.get_all(&self.0));
        }
        match headers.get(&self.0).map(|line| split(line.as_bytes())) {
            Some((name, b"")) if lacks_key(name) => Credential::Blank,
            Some((key, b"")) => expected.read(key, false),
            Some(_) | None => Credential::Absent,
        }
    }

    fn strip(&self, headers: &mut HeaderMap, _: &mut Uri, expected: Expected<'_>) {
        // A line of several words that begins with the prefix is removed, too: if there is a second line, `read` takes
        // it for a key.
        rewrite(headers, &self.0, |line: &HeaderValue| {
            let (name, credentials) = split(line.as_bytes());
            let is_other = if credentials.is_empty() {
                name.is_empty() || !(expected.is_ours(name) || lacks_key(name))
            } else {
                let is_ours = expected.prefix.is_some() && expected.is_ours(line.as_bytes());
                !is_ours && (is_scheme_name(name) || !expected.is_part_of(line.as_bytes()))
            };
            is_other.then(|| line.clone())
        });
    }

    fn header_name(&self) -> Option<&HeaderName> {
        Some(&self.0)
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge::of_location("header", self.0.as_str())
    }

    fn constructor(&self) -> (&'static str, &str) {
        ("header_raw", self.0.as_str())
    }
}

/// Returns whether the value is the name of a scheme whose key was forgotten.
fn lacks_key(name: &[u8]) -> bool {
    [BEARER, BASIC].iter().any(|scheme| name.eq_ignore_ascii_case(scheme.as_bytes()))
}
