use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName};
use http::uri::Uri;

use super::Credential;
use super::expected::Expected;
use crate::error::ConfigError;

/// The scheme of challenges for keys outside of `Authorization`. Like every scheme for API keys, it is not registered.
const API_KEY: &str = "ApiKey";

/// A kind of source: everything that depends on where a key is.
pub(crate) trait SourceKind: Send + Sync {
    /// Reads the credential. There is no URI if the caller has only headers.
    fn read(&self, headers: &HeaderMap, uri: Option<&Uri>, expected: Expected<'_>) -> Credential;

    /// Removes the credential and nothing else.
    fn strip(&self, headers: &mut HeaderMap, uri: &mut Uri, expected: Expected<'_>);

    /// The header that has the credential, or `None` if the URI has it.
    fn header_name(&self) -> Option<&HeaderName>;

    /// Returns whether the header has the key and nothing else. A single source of this kind is read on a shorter path.
    fn is_whole_header(&self) -> bool {
        false
    }

    fn challenge(&self) -> Challenge<'_>;

    /// The scheme or the place in OpenAPI's description of the source.
    #[cfg(feature = "serde")]
    fn description(&self) -> Challenge<'_> {
        self.challenge()
    }

    /// The constructor of this source in [`Source`](super::Source), and its argument.
    fn constructor(&self) -> (&'static str, &str) {
        let Challenge { scheme, location } = self.challenge();
        location.unwrap_or(("scheme", scheme))
    }

    fn with_basic_challenge(&self) -> Result<Arc<dyn SourceKind>, ConfigError> {
        Err(ConfigError::BasicChallenge)
    }
}

/// Shows the constructor of the source.
impl fmt::Debug for dyn SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.constructor() {
            (constructor, "") => write!(f, "{constructor}()"),
            (constructor, argument) => write!(f, "{constructor}({argument:?})"),
        }
    }
}

/// The challenge of a source, without its realm (RFC 9110 section 11.6.1).
#[derive(Clone, Copy)]
pub(crate) struct Challenge<'a> {
    pub(crate) scheme: &'a str,
    /// The `in` and `name` of OpenAPI's `apiKey` security scheme.
    pub(crate) location: Option<(&'static str, &'a str)>,
}

impl<'a> Challenge<'a> {
    pub(super) fn of_scheme(scheme: &'a str) -> Self {
        Self { scheme, location: None }
    }

    pub(super) fn of_location(location: &'static str, name: &'a str) -> Self {
        Self { scheme: API_KEY, location: Some((location, name)) }
    }
}

/// Schemes match without regard to case (RFC 9110 section 11.1), names of parameters and cookies exactly.
impl PartialEq for Challenge<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.location == other.location && self.scheme.eq_ignore_ascii_case(other.scheme)
    }
}
