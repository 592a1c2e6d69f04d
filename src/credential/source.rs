use std::fmt;
use std::sync::Arc;

use super::authorization::{Authorization, BEARER};
use super::cookie::Cookie;
use super::header::Header;
use super::kind::SourceKind;
use super::query::Query;
use crate::error::ConfigError;

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
pub struct Source(pub(super) Result<Arc<dyn SourceKind>, ConfigError>);

impl Source {
    /// A header whose whole value is the key, such as `x-api-key`.
    ///
    /// A `Bearer` before the key would be part of the key. Use `-` in the name and not `_`: nginx drops headers with a
    /// `_` unless `underscores_in_headers` is on.
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

    fn of(kind: Result<impl SourceKind + 'static, ConfigError>) -> Self {
        Self(kind.map(|kind| Arc::new(kind) as _))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(kind) => kind.fmt(f),
            Err(error) => write!(f, "Source({error})"),
        }
    }
}
