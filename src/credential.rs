//! From a request to the digest of the key in it. The text of a key lives here and nowhere else.

use std::fmt;

use http::header::{AUTHORIZATION, COOKIE, Entry, HeaderName};
use http::{HeaderMap, Uri};

use crate::api_key::KeyFormat;
use crate::config::ConfigError;
use crate::digest::KeyDigest;
use crate::error::WrongReason;
use crate::key::MAX_KEY_BYTES;

mod cookie;
mod query;
mod scheme;
#[cfg(feature = "tower")]
mod strip;

/// The header that carries the key where nothing else is said.
const DEFAULT_HEADER: HeaderName = HeaderName::from_static("x-api-key");

pub(crate) const BEARER: &str = "Bearer";

/// The scheme of the challenge for keys that do not come by `Authorization`. It is not registered
/// with IANA, as no scheme for API keys is.
pub(crate) const API_KEY: &str = "ApiKey";

/// One place where a request may carry its key.
///
/// A name that cannot be one is reported by [`Authenticator::sources`](crate::Authenticator::sources).
///
/// ```
/// use keygate::{ApiKeyLayer, Authenticator, MemoryStore, Source};
///
/// let auth = Authenticator::new(MemoryStore::new())
///     .sources([Source::bearer(), Source::header("x-api-key"), Source::cookie("api_key")])?;
/// let layer = ApiKeyLayer::from(auth);
/// # Ok::<(), keygate::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Source(Result<Place, ConfigError>);

#[derive(Clone)]
pub(crate) enum Place {
    Header(HeaderName),
    Authorization(Box<str>),
    Query(Box<str>),
    Cookie(Box<str>),
}

impl Source {
    /// A header field whose whole value is the key, such as `x-api-key`.
    ///
    /// The value is taken as it is: a `Bearer` before the key would be part of the key.
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
            Ok(name) => Ok(Place::Header(name)),
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
            Ok(Place::Authorization(BEARER.into()))
        } else if scheme::is_token(name) {
            Ok(Place::Authorization(name.into()))
        } else {
            Err(ConfigError::SchemeName)
        })
    }

    /// A parameter of the query, such as `?api_key=KEY`.
    ///
    /// Names and values are read as `application/x-www-form-urlencoded`. Addresses end up in logs,
    /// histories and `Referer` fields: use this for callers that can set no header.
    ///
    /// A header map holds no query, so [`Authenticator::sources`](crate::Authenticator::sources)
    /// refuses this source, and `sources_in_parts` takes it.
    pub fn query(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        Self(if name.is_empty() {
            Err(ConfigError::QueryName)
        } else {
            Ok(Place::Query(name.into()))
        })
    }

    /// A cookie (RFC 6265 section 4.2).
    ///
    /// Browsers send cookies by themselves: protect what changes state against forged requests.
    pub fn cookie(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        Self(if scheme::is_token(name) {
            Ok(Place::Cookie(name.into()))
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

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header({:?})", name.as_str()),
            Self::Authorization(scheme) => write!(f, "scheme({scheme:?})"),
            Self::Query(name) => write!(f, "query({name:?})"),
            Self::Cookie(name) => write!(f, "cookie({name:?})"),
        }
    }
}

/// What a request carries, once its sources have been read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Credential {
    /// No source carries anything.
    Absent,
    /// At least one source is there and blank, and none carries a key.
    Blank,
    /// A source carries what cannot be a key.
    Wrong {
        reason: WrongReason,
        by_bearer: bool,
    },
    Key {
        digest: KeyDigest,
        by_bearer: bool,
    },
}

impl Credential {
    /// What a text is that stands where a key is expected.
    #[inline]
    fn of(key: &[u8], by_bearer: bool, format: Option<&KeyFormat>) -> Self {
        if is_blank(key) {
            Self::Blank
        } else if key.len() > MAX_KEY_BYTES || format.is_some_and(|format| !format.matches(key)) {
            Self::Wrong { reason: WrongReason::Malformed, by_bearer }
        } else {
            Self::Key { digest: KeyDigest::of(key), by_bearer }
        }
    }

    fn ambiguous(by_bearer: bool) -> Self {
        Self::Wrong { reason: WrongReason::Ambiguous, by_bearer }
    }
}

#[inline]
fn read_header(headers: &HeaderMap, name: &HeaderName, format: Option<&KeyFormat>) -> Credential {
    match headers.get(name) {
        None => Credential::Absent,
        Some(_) if has_several(headers, name) => Credential::ambiguous(false),
        Some(value) => Credential::of(value.as_bytes(), false, format),
    }
}

/// Most requests have no field of several lines at all, which the two lengths tell without a search.
#[inline]
fn has_several(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.len() != headers.keys_len() && headers.get_all(name).iter().nth(1).is_some()
}

#[inline]
fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

/// The sources of an authenticator, in the order in which they are tried.
#[derive(Clone)]
pub(crate) struct Sources {
    places: Box<[Place]>,
    /// The header fields that the sources read, each once.
    header_names: Box<[HeaderName]>,
    read_uri: bool,
    /// What every key has, if all are generated ones.
    format: Option<KeyFormat>,
}

impl Default for Sources {
    fn default() -> Self {
        Self::of([Place::Header(DEFAULT_HEADER)].into())
    }
}

impl Sources {
    pub(crate) fn new(sources: impl IntoIterator<Item = Source>) -> Result<Self, ConfigError> {
        let places = sources.into_iter().map(|source| source.0).collect::<Result<Box<[_]>, _>>()?;
        if places.is_empty() { Err(ConfigError::NoSources) } else { Ok(Self::of(places)) }
    }

    fn of(places: Box<[Place]>) -> Self {
        let mut header_names: Vec<HeaderName> = Vec::new();
        for name in places.iter().filter_map(Place::header_name) {
            if !header_names.contains(name) {
                header_names.push(name.clone());
            }
        }
        let read_uri = places.iter().any(|place| matches!(place, Place::Query(_)));
        Self { places, header_names: header_names.into(), read_uri, format: None }
    }

    /// Whether a source is in the query, which the headers do not show.
    #[inline]
    pub(crate) fn read_uri(&self) -> bool {
        self.read_uri
    }

    pub(crate) fn format(&self) -> Option<&KeyFormat> {
        self.format.as_ref()
    }

    pub(crate) fn require(&mut self, format: Option<KeyFormat>) {
        self.format = format;
    }

    /// What a text is that was found in some other way.
    #[inline]
    pub(crate) fn credential(&self, key: &[u8]) -> Credential {
        Credential::of(key, false, self.format.as_ref())
    }

    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The first source that is present and not blank decides; a wrong key there is not rescued by a
    /// right one further on.
    #[inline]
    pub(crate) fn read(&self, headers: &HeaderMap, uri: Option<&Uri>) -> Credential {
        match &*self.places {
            [Place::Header(name)] => read_header(headers, name, self.format.as_ref()),
            places => self.read_in_order(places, headers, uri),
        }
    }

    fn read_in_order(
        &self,
        places: &[Place],
        headers: &HeaderMap,
        uri: Option<&Uri>,
    ) -> Credential {
        let mut blank = false;
        for place in places {
            match place.read(headers, uri, self.format.as_ref()) {
                Credential::Absent => {}
                Credential::Blank => blank = true,
                decided => return decided,
            }
        }
        if blank { Credential::Blank } else { Credential::Absent }
    }

    /// As [`Sources::read`], and marks the values of every source as sensitive.
    ///
    /// One header alone, as most services have it, is marked where it is found: looking it up again
    /// for that costs 15 ns.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn read_and_redact(&self, headers: &mut HeaderMap, uri: Option<&Uri>) -> Credential {
        if let [Place::Header(name)] = &*self.places
            && !has_several(headers, name)
        {
            return headers.get_mut(name).map_or(Credential::Absent, |value| {
                value.set_sensitive(true);
                Credential::of(value.as_bytes(), false, self.format.as_ref())
            });
        }
        self.redact(headers);
        self.read(headers, uri)
    }

    /// Marks the values of every source as sensitive, so that `Debug` of the headers hides them.
    pub(crate) fn redact(&self, headers: &mut HeaderMap) {
        for name in self.header_names() {
            // Not before it is known to be there: `entry` makes room for a field, which may be too much.
            if headers.contains_key(name)
                && let Ok(Entry::Occupied(mut entry)) = headers.try_entry(name)
            {
                entry.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
    }

    /// The header fields that the sources read, each once.
    pub(crate) fn header_names(&self) -> &[HeaderName] {
        &self.header_names
    }
}

impl Place {
    #[inline]
    fn read(
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

    fn header_name(&self) -> Option<&HeaderName> {
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
            _ => API_KEY,
        }
    }
}

pub(crate) fn is_bearer(scheme: &str) -> bool {
    scheme == BEARER
}
