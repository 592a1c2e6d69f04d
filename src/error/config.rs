use crate::client::ParseScopeError;

/// An invalid configuration of an [`Authenticator`](crate::Authenticator), a `RequireScope` or a `Throttle`.
///
/// It is returned when these are built, never at the first request. It does not contain the given text, which may be a
/// key entered by mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The list of sources is empty.
    #[error("there are no sources, so every request would be refused: add at least one")]
    NoSources,
    /// The text given to `Source::header` is not the name of a header (RFC 9110 section 5.1).
    #[error("the text given to `Source::header` is not the name of a header, such as `x-api-key`")]
    HeaderName,
    /// The header carries more than a key.
    #[error(
        "`{0}` carries more than a key: use `Source::bearer()`, `Source::scheme(..)`, `Source::basic()`, \
         `Source::header_raw(..)`, `Source::cookie(..)` or `Source::websocket_protocol(..)`"
    )]
    SharedHeader(&'static str),
    /// The text given to `Source::scheme` is not the name of a scheme (RFC 9110 section 11.1).
    #[error("the text given to `Source::scheme` is not the name of a scheme, such as `ApiKey`")]
    SchemeName,
    /// The scheme carries a name and a password, not a key.
    #[error("the scheme `{0}` carries passwords: use `Source::basic()` or `Source::bearer()`")]
    PasswordScheme(&'static str),
    /// A parameter of the query has no name.
    #[error("a query parameter needs a name, such as `api_key`")]
    QueryName,
    /// The text given to `Source::cookie` is not the name of a cookie (RFC 6265 section 4.1.1).
    #[error("the text given to `Source::cookie` is not the name of a cookie, such as `api_key`")]
    CookieName,
    /// The text given to `Source::websocket_protocol` is not a token (RFC 9110 section 5.6.2).
    #[error("the text given to `Source::websocket_protocol` must be a token, such as `keygate.`")]
    ProtocolPrefix,
    /// The text given to `Source::with_prefix` is not the beginning of a key.
    #[error(
        "the text given to `Source::with_prefix` must have 1 to 64 visible ASCII characters, such as `acme_`"
    )]
    SourcePrefix,
    /// `Source::with_basic_challenge` was called on a source other than `Source::basic()`.
    #[error(
        "only `Source::basic()` can have a `Basic` challenge: call `with_basic_challenge` on it"
    )]
    BasicChallenge,
    /// A header map has no query.
    #[error(
        "`Source::query` reads the request's URI, which `verify(&HeaderMap)` does not have: \
         name the sources with `with_sources_in_parts`"
    )]
    QueryInHeaders,
    /// The key given to a client has a character that a header cannot carry.
    #[error("the key has a character that a header cannot carry")]
    KeyValue,
    /// The realm is empty, not ASCII, or holds `"`, `\` or control characters.
    #[error(
        "a realm must be ASCII and not empty, and must not contain quotes, backslashes or control characters"
    )]
    Realm,
    /// The text given to `with_resource_metadata` is not the URL of metadata.
    #[error(
        "the URL of resource metadata must begin with `https://` or `http://`, and must not \
         contain blanks, quotes or backslashes"
    )]
    ResourceMetadata,
    /// The prefix given to `require_format` is invalid.
    #[error(
        "the prefix of a key must have 1 to 16 characters from a-z and 0-9, and begin with a \
        letter"
    )]
    Prefix,
    /// A text given to `RequireScope` is not a scope.
    #[error(transparent)]
    Scope(#[from] ParseScopeError),
    /// The name given to `Throttle::limit` is not the name of a limit.
    #[error("the name of a limit must have 1 to 64 of the characters a-z, 0-9, `_`, `.` and `-`")]
    LimitName,
    /// The list of scopes given to `RequireScope` is empty.
    #[error("the list of scopes for `RequireScope` is empty: name at least one")]
    NoScopes,
    /// The path given to `RouteScopes` is not the path of a route.
    #[error(
        "the path of a route must begin with `/` and have no empty, `.` or `..` segment: write \
         `/orders/{{id}}`, or \
         `/files/{{*path}}` for all paths below one"
    )]
    RoutePath,
    /// `RouteScopes` lists a method and path twice, perhaps with different parameter names.
    #[error("a route is listed twice with the same method, which would give it two scopes")]
    RouteTwice,
    /// `RouteScopes` lists a route with the method HEAD.
    #[error("HEAD has the scope of GET: list the route with GET only")]
    RouteHead,
}
