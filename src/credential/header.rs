use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, SEC_WEBSOCKET_PROTOCOL};
use http::uri::Uri;

use super::expected::Expected;
use super::kind::{Challenge, SourceKind};
use super::lines::rewrite;
use super::{Credential, has_several};
use crate::error::ConfigError;
use crate::key::KeyFormat;

/// A header whose value is the key.
pub(super) struct Header(HeaderName);

impl Header {
    pub(super) fn new(name: &str) -> Result<Self, ConfigError> {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(AUTHORIZATION) => Err(ConfigError::SharedHeader("authorization")),
            Ok(COOKIE) => Err(ConfigError::SharedHeader("cookie")),
            Ok(SEC_WEBSOCKET_PROTOCOL) => Err(ConfigError::SharedHeader("sec-websocket-protocol")),
            Ok(name) => Ok(Self(name)),
            Err(_) => Err(ConfigError::HeaderName),
        }
    }

    pub(super) const fn of(name: HeaderName) -> Self {
        Self(name)
    }
}

#[inline]
pub(super) fn read(
    headers: &HeaderMap,
    name: &HeaderName,
    format: Option<&KeyFormat>,
) -> Credential {
    match headers.get(name) {
        None => Credential::Absent,
        Some(_) if has_several(headers, name) => Credential::ambiguous(false),
        Some(value) => Credential::of(value.as_bytes(), false, format),
    }
}

impl SourceKind for Header {
    fn read(&self, headers: &HeaderMap, _: Option<&Uri>, expected: Expected<'_>) -> Credential {
        expected.read_one(headers.get_all(&self.0))
    }

    fn strip(&self, headers: &mut HeaderMap, _: &mut Uri, expected: Expected<'_>) {
        rewrite(headers, &self.0, |line| {
            (!expected.is_ours(line.as_bytes())).then(|| line.clone())
        });
    }

    fn header_name(&self) -> Option<&HeaderName> {
        Some(&self.0)
    }

    fn is_whole_header(&self) -> bool {
        true
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge::of_location("header", self.0.as_str())
    }
}
