//! Where a request carries its key.
//!
//! Headers and the request's target come in; the bytes of one key go out as a digest, or the reason why there is none.
//! Start with [`Source`](crate::Source) in `source.rs`.

//! From a request to the digest of the key in it. The text of a key lives here and nowhere else.

use http::header::{Entry, HeaderName};
use http::{HeaderMap, Uri};

use crate::error::{ConfigError, WrongReason};
use crate::key::{KeyDigest, KeyFormat, MAX_KEY_BYTES};

mod cookie;
mod query;
mod scheme;
mod source;
#[cfg(feature = "tower")]
mod strip;

pub use source::Source;
pub(crate) use source::SourceKind;

/// The header that carries the key where nothing else is said.
const DEFAULT_HEADER: HeaderName = HeaderName::from_static("x-api-key");

pub(crate) const BEARER: &str = "Bearer";

/// The scheme of the challenge for keys that do not come by `Authorization`. Not registered with IANA, as
/// no scheme for API keys is.
pub(crate) const API_KEY: &str = "ApiKey";

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
    places: Box<[SourceKind]>,
    /// The header fields that the sources read, each once.
    header_names: Box<[HeaderName]>,
    read_uri: bool,
    /// What every key has, if all are generated ones.
    format: Option<KeyFormat>,
}

impl Default for Sources {
    fn default() -> Self {
        Self::of([SourceKind::Header(DEFAULT_HEADER)].into())
    }
}

impl Sources {
    pub(crate) fn new(sources: impl IntoIterator<Item = Source>) -> Result<Self, ConfigError> {
        let places = sources.into_iter().map(|source| source.0).collect::<Result<Box<[_]>, _>>()?;
        if places.is_empty() { Err(ConfigError::NoSources) } else { Ok(Self::of(places)) }
    }

    fn of(places: Box<[SourceKind]>) -> Self {
        let mut header_names: Vec<HeaderName> = Vec::new();
        for name in places.iter().filter_map(SourceKind::header_name) {
            if !header_names.contains(name) {
                header_names.push(name.clone());
            }
        }
        let read_uri = places.iter().any(|place| matches!(place, SourceKind::Query(_)));
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

    pub(crate) fn places(&self) -> &[SourceKind] {
        &self.places
    }

    /// The first source that is present and not blank decides; a wrong key there is not rescued by a
    /// right one further on.
    #[inline]
    pub(crate) fn read(&self, headers: &HeaderMap, uri: Option<&Uri>) -> Credential {
        match &*self.places {
            [SourceKind::Header(name)] => read_header(headers, name, self.format.as_ref()),
            places => self.read_in_order(places, headers, uri),
        }
    }

    fn read_in_order(
        &self,
        places: &[SourceKind],
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
        if let [SourceKind::Header(name)] = &*self.places
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

pub(crate) fn is_bearer(scheme: &str) -> bool {
    scheme == BEARER
}
