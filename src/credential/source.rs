use std::fmt;

use http::header::{AUTHORIZATION, COOKIE, HeaderName};
use http::{HeaderMap, Uri};

use super::{API_KEY, BEARER, Credential, cookie, query, read_header, scheme};
use crate::error::ConfigError;
use crate::key::KeyFormat;

/// One place where a request may carry its key.
///
/// A name that cannot be one is reported by [`Authenticator::with_sources`](crate::Authenticator::with_sources).
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
pub struct Source(pub(super) Result<SourceKind, ConfigError>);

#[derive(Clone)]
pub(crate) enum SourceKind {
    Header(HeaderName),
    Authorization(Box<str>),
    Query(Box<str>),
    Cookie(Box<str>),
}

impl Source {
    /// A header field whose whole value is the key, such as `x-api-key`.
    ///
    /// The value is taken as it is: a `Bearer` before the key would be part of the key. Use `-` in the name
    /// and not `_`: nginx drops headers with a `_` unless `underscores_in_headers` is on.
    pub fn header(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let parsed = HeaderName::from_bytes(name.as_bytes());
        Self(match parsed {
            Ok(name) if name == AUTHORIZATION || name == COOKIE => {
                Err(ConfigError::SharedHeader(if name == COOKIE {
                    "cookie"
                } else {
                    "authorization"
                }))
            }
            Ok(name) => Ok(SourceKind::Header(name)),
            Err(_) => Err(ConfigError::HeaderName),
        })
    }

    /// `Authorization: Bearer KEY` (RFC 6750 section 2.1).
    #[must_use]
    pub fn bearer() -> Self {
        Self::scheme(BEARER)
    }

    /// `Authorization: SCHEME KEY`, for a scheme of another name, such as `ApiKey`.
    ///
    /// The name of the scheme matches without regard to case (RFC 9110 section 11.1), the key exactly.
    pub fn scheme(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let password =
            ["Basic", "Digest"].into_iter().find(|known| name.eq_ignore_ascii_case(known));
        Self(if let Some(password) = password {
            Err(ConfigError::PasswordScheme(password))
        } else if name.eq_ignore_ascii_case(BEARER) {
            Ok(SourceKind::Authorization(BEARER.into()))
        } else if scheme::is_token(name) {
            Ok(SourceKind::Authorization(name.into()))
        } else {
            Err(ConfigError::SchemeName)
        })
    }

    /// A parameter of the query, such as `?api_key=KEY`.
    ///
    /// Names and values are read as `application/x-www-form-urlencoded`: a `+` is a blank. Addresses end up in logs,
    /// histories and `Referer` fields: use this for callers that can set no header.
    ///
    /// A header map holds no query, so [`Authenticator::with_sources`](crate::Authenticator::with_sources)
    /// refuses this source, and `with_sources_in_parts` takes it.
    pub fn query(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        Self(if name.is_empty() {
            Err(ConfigError::QueryName)
        } else {
            Ok(SourceKind::Query(name.into()))
        })
    }

    /// A cookie (RFC 6265 section 4.2).
    ///
    /// Browsers send cookies by themselves: protect what changes state against forged requests.
    pub fn cookie(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        Self(if scheme::is_token(name) {
            Ok(SourceKind::Cookie(name.into()))
        } else {
            Err(ConfigError::CookieName)
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(place) => place.fmt(f),
            Err(error) => write!(f, "Source({error})"),
        }
    }
}

impl fmt::Debug for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header({:?})", name.as_str()),
            Self::Authorization(scheme) => write!(f, "scheme({scheme:?})"),
            Self::Query(name) => write!(f, "query({name:?})"),
            Self::Cookie(name) => write!(f, "cookie({name:?})"),
        }
    }
}

impl SourceKind {
    #[inline]
    pub(super) fn read(
        &self,
        headers: &HeaderMap,
        uri: Option<&Uri>,
        format: Option<&KeyFormat>,
    ) -> Credential {
        match self {
            Self::Header(name) => read_header(headers, name, format),
            Self::Authorization(scheme) => scheme::read(headers, scheme, format),
            Self::Cookie(name) => cookie::read(headers, name, format),
            Self::Query(name) => {
                uri.map_or(Credential::Absent, |uri| query::read(uri, name, format))
            }
        }
    }

    pub(super) fn header_name(&self) -> Option<&HeaderName> {
        match self {
            Self::Header(name) => Some(name),
            Self::Authorization(_) => Some(&AUTHORIZATION),
            Self::Cookie(_) => Some(&COOKIE),
            Self::Query(_) => None,
        }
    }

    /// The scheme to challenge with (RFC 9110 section 11.6.1).
    pub(crate) fn scheme(&self) -> &str {
        match self {
            Self::Authorization(scheme) => scheme,
            Self::Header(_) | Self::Query(_) | Self::Cookie(_) => API_KEY,
        }
    }

    /// The `in` and `name` of OpenAPI's `apiKey` security scheme. A scheme needs neither.
    pub(crate) fn location(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Header(name) => Some(("header", name.as_str())),
            Self::Query(name) => Some(("query", name)),
            Self::Cookie(name) => Some(("cookie", name)),
            Self::Authorization(_) => None,
        }
    }
}
