use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName};
use http::uri::Uri;

use super::Credential;
use super::authorization::{Authorization, BEARER};
use super::basic::Basic;
use super::cookie::Cookie;
use super::expected::Expected;
use super::header::Header;
use super::header_raw::HeaderRaw;
use super::kind::SourceKind;
use super::query::Query;
use super::websocket_protocol::WebSocketProtocol;
use crate::error::ConfigError;
use crate::key::KeyFormat;

/// One place where a request may carry its key.
///
/// [`Authenticator::with_sources`](crate::Authenticator::with_sources) reports an invalid name.
///
/// ```
/// use keygate::{ApiKeyLayer, Authenticator, MemoryStore, Source};
///
/// let auth = Authenticator::new(MemoryStore::new())
///     .with_sources([Source::header("x-api-key"), Source::bearer(), Source::cookie("api_key")])?;
/// let layer = ApiKeyLayer::from(auth);
/// # Ok::<(), keygate::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Source(pub(super) Result<ConfiguredSource, ConfigError>);

impl Source {
    /// A header whose whole value is the key, such as `x-api-key`.
    ///
    /// If the value starts with `Bearer`, that is part of the key. Use `-` in the name and not `_`: nginx drops headers
    /// with a `_` unless `underscores_in_headers` is on.
    pub fn header(name: impl AsRef<str>) -> Self {
        Self::of(Header::new(name.as_ref()))
    }

    /// `Authorization: Bearer KEY` (RFC 6750 section 2.1).
    #[must_use]
    pub fn bearer() -> Self {
        Self::scheme(BEARER)
    }

    /// `Authorization: SCHEME KEY`, for another scheme, such as `ApiKey`.
    ///
    /// The name of the scheme matches without regard to case (RFC 9110 section 11.1), the key exactly.
    pub fn scheme(name: impl AsRef<str>) -> Self {
        Self::of(Authorization::new(name.as_ref()))
    }

    /// A parameter of the query, such as `?api_key=KEY`.
    ///
    /// Names and values are read as `application/x-www-form-urlencoded`: a `+` is a blank. URIs end up in logs,
    /// histories and `Referer` headers: use this for callers that cannot set a header.
    ///
    /// A header map has no query, so [`Authenticator::with_sources`](crate::Authenticator::with_sources) refuses this
    /// source: use [`with_sources_in_parts`](crate::Authenticator::with_sources_in_parts).
    pub fn query(name: impl AsRef<str>) -> Self {
        Self::of(Query::new(name.as_ref()))
    }

    /// A cookie (RFC 6265 section 4.2).
    ///
    /// Browsers send cookies automatically: protect requests that change state against CSRF.
    pub fn cookie(name: impl AsRef<str>) -> Self {
        Self::of(Cookie::new(name.as_ref()))
    }

    /// `Authorization: Basic` with a user name and a password (RFC 7617), for programs that have no other way to send
    /// credentials: git, pip, Prometheus, `curl -u`.
    ///
    /// The password is the key. If it is empty, the user name is: `curl -u KEY:`. A user name has no colon, so a key
    /// with a colon must be the password.
    ///
    /// The challenge is an `ApiKey` line, as for other sources, so that browsers do not ask for a password: like a
    /// cookie, a browser would send the password again with every request. See [`Source::with_basic_challenge`].
    #[must_use]
    pub fn basic() -> Self {
        Self::of(Ok(Basic::default()))
    }

    /// A header that has the key without a scheme, such as `Authorization: KEY`.
    ///
    /// A value of several words is not a key: `Authorization: Bearer KEY` counts as absent here. For callers that
    /// cannot send a scheme.
    pub fn header_raw(name: impl AsRef<str>) -> Self {
        Self::of(HeaderRaw::new(name.as_ref()))
    }

    /// A subprotocol of a WebSocket with this text before the key: `Sec-WebSocket-Protocol: chat, keygate.KEY` for the
    /// text `keygate.`. Scripts in browsers can set no other header of a WebSocket.
    ///
    /// Two subprotocols that begin with this text are ambiguous. A key must be a token (RFC 9110 section 5.6.2): one
    /// with `=`, `/`, blanks or quotes cannot be sent this way. Generated keys can.
    ///
    /// A browser closes the connection unless the response names one of the subprotocols, and the response must not
    /// repeat the key. So the caller must send another subprotocol as well, and the service must respond with that one.
    /// [`strip_credentials`](crate::ApiKeyLayer::strip_credentials) removes the key and leaves the others.
    pub fn websocket_protocol(prefix: impl AsRef<str>) -> Self {
        Self::of(WebSocketProtocol::new(prefix.as_ref()))
    }

    /// Reads only texts that begin with this prefix. A text without it is not a key of this service, and counts as
    /// absent.
    ///
    /// This lets keys share a place with other credentials, such as a JWT in `Authorization: Bearer`. Behind a layer
    /// that is [`optional`](crate::ApiKeyLayer::optional), a request with such a text is anonymous, and the service
    /// must check the other credential. The text stays in a request whose credentials are
    /// [stripped](crate::ApiKeyLayer::strip_credentials). A blank text still counts as a blank key.
    ///
    /// The prefix has 1 to 64 visible ASCII characters. It is part of the key.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use keygate::{ApiKey, AuthError, Authenticator, MemoryStore, Source};
    ///
    /// let store = MemoryStore::new();
    /// let key = ApiKey::generate("acme")?;
    /// store.insert(key.expose(), "User 1")?;
    /// let auth = Authenticator::new(store).with_sources([Source::bearer().with_prefix("acme_")])?;
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert("authorization", format!("Bearer {}", key.expose()).parse()?);
    /// assert_eq!(auth.verify(&headers)?.name(), "User 1");
    ///
    /// headers.insert("authorization", "Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl".parse()?);
    /// assert!(matches!(auth.verify(&headers), Err(AuthError::NoCredentials)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_prefix(self, prefix: impl AsRef<str>) -> Self {
        let prefix = prefix.as_ref();
        let fits = (1..=64).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_graphic());
        let prefix = if fits { Ok(prefix.into()) } else { Err(ConfigError::SourcePrefix) };
        Self(self.0.and_then(|source| Ok(ConfiguredSource { prefix: Some(prefix?), ..source })))
    }

    /// Challenges with `Basic realm="..."`, at which browsers ask for a user name and a password. Only for
    /// [`Source::basic`].
    ///
    /// A browser repeats the password in every request, even in requests that another site starts: protect requests
    /// that change state against CSRF.
    #[must_use]
    pub fn with_basic_challenge(self) -> Self {
        Self(self.0.and_then(|source| {
            Ok(ConfiguredSource { kind: source.kind.with_basic_challenge()?, ..source })
        }))
    }

    fn of(kind: Result<impl SourceKind + 'static, ConfigError>) -> Self {
        Self(kind.map(ConfiguredSource::of))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(source) => source.fmt(f),
            Err(error) => write!(f, "Source({error})"),
        }
    }
}

/// A source and the prefix of its keys.
#[derive(Clone)]
pub(crate) struct ConfiguredSource {
    pub(super) kind: Arc<dyn SourceKind>,
    pub(super) prefix: Option<Arc<str>>,
}

impl ConfiguredSource {
    pub(super) fn of(kind: impl SourceKind + 'static) -> Self {
        Self { kind: Arc::new(kind), prefix: None }
    }

    pub(super) fn read(
        &self,
        headers: &HeaderMap,
        uri: Option<&Uri>,
        format: Option<&KeyFormat>,
    ) -> Credential {
        self.kind.read(headers, uri, self.expected(format))
    }

    pub(super) fn strip(&self, headers: &mut HeaderMap, uri: &mut Uri) {
        self.kind.strip(headers, uri, self.expected(None));
    }

    fn expected<'a>(&'a self, format: Option<&'a KeyFormat>) -> Expected<'a> {
        Expected { prefix: self.prefix.as_deref().map(str::as_bytes), format }
    }

    /// The header that has the key and nothing else.
    pub(super) fn whole_header(&self) -> Option<&HeaderName> {
        let is_whole = self.prefix.is_none() && self.kind.is_whole_header();
        self.kind.header_name().filter(|_| is_whole)
    }
}

impl fmt::Debug for ConfiguredSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        self.prefix.as_ref().map_or(Ok(()), |prefix| write!(f, ".with_prefix({prefix:?})"))
    }
}
