use http::header::{Entry, HeaderMap, HeaderName};
use http::{Request, Uri};

use super::header::{self, Header};
use super::kind::Challenge;
use super::source::ConfiguredSource;
use super::{Credential, Source, has_several};
use crate::error::ConfigError;
use crate::key::KeyFormat;

const DEFAULT_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// The sources of an authenticator, in the order in which they are tried.
#[derive(Clone)]
pub(crate) struct Sources {
    all: Box<[ConfiguredSource]>,
    /// The only source, if it is a header that has the key and nothing else.
    only_header: Option<HeaderName>,
    /// The headers that the sources read, each once.
    header_names: Box<[HeaderName]>,
    read_uri: bool,
    /// The format that all keys must have.
    format: Option<KeyFormat>,
}

impl Default for Sources {
    fn default() -> Self {
        Self::of([ConfiguredSource::of(Header::of(DEFAULT_HEADER))].into())
    }
}

impl Sources {
    pub(crate) fn new(sources: impl IntoIterator<Item = Source>) -> Result<Self, ConfigError> {
        let sources =
            sources.into_iter().map(|source| source.0).collect::<Result<Box<[_]>, _>>()?;
        if sources.is_empty() { Err(ConfigError::NoSources) } else { Ok(Self::of(sources)) }
    }

    fn of(sources: Box<[ConfiguredSource]>) -> Self {
        let mut header_names: Vec<HeaderName> = Vec::new();
        for name in sources.iter().filter_map(|source| source.kind.header_name()) {
            if !header_names.contains(name) {
                header_names.push(name.clone());
            }
        }
        let only_header = match &*sources {
            [only] => only.whole_header().cloned(),
            _ => None,
        };
        let read_uri = sources.iter().any(|source| source.kind.header_name().is_none());
        Self {
            all: sources,
            only_header,
            header_names: header_names.into(),
            read_uri,
            format: None,
        }
    }

    /// Returns whether a source reads the URI, which a header map lacks.
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

    /// The credential of a key that was not read from a source.
    #[inline]
    pub(crate) fn credential(&self, key: &[u8]) -> Credential {
        Credential::of(key, false, self.format.as_ref())
    }

    pub(crate) fn list(&self) -> &[ConfiguredSource] {
        &self.all
    }

    /// The challenges, in the order of the sources, each once.
    pub(crate) fn challenges(&self) -> Vec<Challenge<'_>> {
        each_once(self.all.iter().map(|source| source.kind.challenge()))
    }

    /// The descriptions for OpenAPI, in the order of the sources, each once.
    #[cfg(feature = "serde")]
    pub(crate) fn descriptions(&self) -> Vec<Challenge<'_>> {
        each_once(self.all.iter().map(|source| source.kind.description()))
    }

    /// Reads the credential. The first source that is present and not blank decides: a right key in a later one does
    /// not replace a wrong key.
    #[inline]
    pub(crate) fn read(&self, headers: &HeaderMap, uri: Option<&Uri>) -> Credential {
        match &self.only_header {
            Some(name) => header::read(headers, name, self.format.as_ref()),
            None => self.read_in_order(headers, uri),
        }
    }

    fn read_in_order(&self, headers: &HeaderMap, uri: Option<&Uri>) -> Credential {
        let mut blank = false;
        for source in &self.all {
            match source.read(headers, uri, self.format.as_ref()) {
                Credential::Absent => {}
                Credential::Blank => blank = true,
                decided @ (Credential::Wrong { .. } | Credential::Key { .. }) => return decided,
            }
        }
        if blank { Credential::Blank } else { Credential::Absent }
    }

    /// Reads the credential, and marks the values of every source as sensitive.
    ///
    /// If the only source is a header, as in most services, it is marked when it is read: looking it up again costs 15
    /// ns.
    #[cfg_attr(not(feature = "tower"), allow(dead_code))]
    #[inline]
    pub(crate) fn read_and_redact<B>(&self, request: &mut Request<B>) -> Credential {
        let headers = request.headers_mut();
        if let Some(name) = &self.only_header
            && !has_several(headers, name)
        {
            return headers.get_mut(name).map_or(Credential::Absent, |value| {
                value.set_sensitive(true);
                Credential::of(value.as_bytes(), false, self.format.as_ref())
            });
        }
        self.redact(request.headers_mut());
        self.read_in_order(request.headers(), Some(request.uri()))
    }

    /// Marks the values of every source as sensitive, so that `Debug` of the headers hides them.
    pub(crate) fn redact(&self, headers: &mut HeaderMap) {
        for name in self.header_names() {
            // Checked first, since `entry` reserves space for a new header, and a full map has none.
            if headers.contains_key(name)
                && let Ok(Entry::Occupied(mut entry)) = headers.try_entry(name)
            {
                entry.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
    }

    /// Removes the credentials of every source, and nothing else.
    #[cfg_attr(not(feature = "tower"), allow(dead_code))]
    pub(crate) fn strip(&self, headers: &mut HeaderMap, uri: &mut Uri) {
        for source in &self.all {
            source.strip(headers, uri);
        }
    }

    /// The headers that the sources read, each once.
    pub(crate) fn header_names(&self) -> &[HeaderName] {
        &self.header_names
    }
}

fn each_once<'a>(all: impl Iterator<Item = Challenge<'a>>) -> Vec<Challenge<'a>> {
    let mut unique = Vec::new();
    for challenge in all {
        if !unique.contains(&challenge) {
            unique.push(challenge);
        }
    }
    unique
}
