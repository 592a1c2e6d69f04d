use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use http::uri::Uri;

use super::Credential;
use super::kind::{Challenge, SourceKind};
use super::lines::{is_token, rewrite};
use crate::error::ConfigError;
use crate::key::KeyFormat;

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
    fn read(&self, headers: &HeaderMap, _: Option<&Uri>, format: Option<&KeyFormat>) -> Credential {
        let mut found = None;
        for pair in headers.get_all(COOKIE).iter().flat_map(pairs) {
            if let Some(value) = self.value_of(pair)
                && found.replace(Credential::of(value, false, format)).is_some()
            {
                return Credential::ambiguous(false);
            }
        }
        found.unwrap_or(Credential::Absent)
    }

    fn strip(&self, headers: &mut HeaderMap, _: &mut Uri) {
        rewrite(headers, &COOKIE, |line| {
            let is_ours = |pair: &&[u8]| self.value_of(pair).is_some();
            if !pairs(line).any(|pair| is_ours(&pair)) {
                return Some(line.clone());
            }
            let kept: Vec<_> = pairs(line).filter(|pair| !is_ours(pair)).collect();
            let kept = kept.join(&b';');
            // These bytes were in a header already, so they fit in one.
            let mut value = HeaderValue::from_bytes(kept.trim_ascii()).ok()?;
            value.set_sensitive(line.is_sensitive());
            (!value.is_empty()).then_some(value)
        });
    }

    fn header_name(&self) -> Option<&HeaderName> {
        Some(&COOKIE)
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge::of_location("cookie", &self.0)
    }
}

fn pairs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes().split(|byte| *byte == b';')
}
