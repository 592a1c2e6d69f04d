use http::header::{HeaderMap, HeaderName, SEC_WEBSOCKET_PROTOCOL};
use http::uri::Uri;

use super::Credential;
use super::expected::Expected;
use super::kind::{Challenge, SourceKind};
use super::lines::{is_token, members, remove_members};
use crate::error::ConfigError;

const SEPARATOR: u8 = b',';

/// A subprotocol of a WebSocket (RFC 6455 section 11.3.4) that has this text before the key.
pub(super) struct WebSocketProtocol(Box<str>);

impl WebSocketProtocol {
    pub(super) fn new(prefix: &str) -> Result<Self, ConfigError> {
        if is_token(prefix) { Ok(Self(prefix.into())) } else { Err(ConfigError::ProtocolPrefix) }
    }

    fn key_of<'a>(&self, protocol: &'a [u8]) -> Option<&'a [u8]> {
        protocol.trim_ascii().strip_prefix(self.0.as_bytes())
    }
}

impl SourceKind for WebSocketProtocol {
    fn read(&self, headers: &HeaderMap, _: Option<&Uri>, expected: Expected<'_>) -> Credential {
        let protocols = members(headers, &SEC_WEBSOCKET_PROTOCOL, SEPARATOR);
        expected.read_one(protocols.filter_map(|protocol| self.key_of(protocol)))
    }

    fn strip(&self, headers: &mut HeaderMap, _: &mut Uri, expected: Expected<'_>) {
        remove_members(headers, &SEC_WEBSOCKET_PROTOCOL, SEPARATOR, |protocol| {
            self.key_of(protocol).is_some_and(|key| expected.is_ours(key))
        });
    }

    fn header_name(&self) -> Option<&HeaderName> {
        Some(&SEC_WEBSOCKET_PROTOCOL)
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge::of_location("header", SEC_WEBSOCKET_PROTOCOL.as_str())
    }

    fn constructor(&self) -> (&'static str, &str) {
        ("websocket_protocol", &self.0)
    }
}
