/// What is wrong with the configuration of an [`Authenticator`](crate::Authenticator).
///
/// It is reported when the authenticator is built, never at the first request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The list of sources is empty.
    #[error("there are no sources, so that every request would be refused: name at least one")]
    NoSources,
    /// The text is not the name of a header field (RFC 9110 section 5.1).
    #[error("`{0}` is not the name of a header field")]
    HeaderName(String),
    /// The header carries more than a key.
    #[error(
        "`{0}` carries more than a key: use `Source::bearer()`, `Source::scheme(..)` or \
         `Source::cookie(..)`"
    )]
    SharedHeader(String),
    /// The text is not the name of an authentication scheme (RFC 9110 section 11.1).
    #[error("`{0}` is not the name of an authentication scheme")]
    SchemeName(String),
    /// The scheme carries a name and a password, not a key.
    #[error("the scheme `{0}` carries passwords, not keys")]
    PasswordScheme(String),
    /// A parameter of the query has no name.
    #[error("a parameter of the query needs a name")]
    QueryName,
    /// The text is not the name of a cookie (RFC 6265 section 4.1.1).
    #[error("`{0}` is not the name of a cookie")]
    CookieName(String),
    /// A header map holds no query.
    #[error(
        "`Source::query` stands in the request's target, which `verify(&HeaderMap)` cannot see: \
         name the sources with `sources_in_parts`"
    )]
    QueryInHeaders,
    /// The realm is empty, not ASCII, or holds `"`, `\` or control characters.
    #[error("a realm is not empty, is ASCII, and holds no quote, backslash or control character")]
    Realm,
}
