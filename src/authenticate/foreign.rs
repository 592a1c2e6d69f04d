use std::net::IpAddr;

use bytes::Bytes;
use http::Extensions;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::Uri;
use zeroize::Zeroizing;

use super::config::Config;
use super::head::RequestHead;
use crate::credential::Credential;
use crate::error::{AuthError, Misconfiguration, WrongReason};

/// The parts of a request that verification reads, converted from other header types.
pub(crate) struct ForeignHead {
    /// Why no credential could be read, or the credential.
    pub(crate) credential: Result<Credential, AuthError>,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    /// Extensions that the adapter of a stack adds.
    pub(crate) extensions: Extensions,
}

impl ForeignHead {
    pub(crate) fn new<'h>(
        config: &Config,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        uri: Option<&str>,
        peer: Option<IpAddr>,
    ) -> Self {
        let headers = headers.into_iter().filter(|(name, _)| config.reads(name));
        Self::of_lines(
            config,
            headers.filter_map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                Some((name, Zeroizing::new(value.to_vec())))
            }),
            uri,
            peer,
        )
    }

    /// Reads header lines. They share their bytes with the request, or have a copy that is overwritten when it is
    /// dropped.
    pub(crate) fn of_lines<T: AsRef<[u8]> + Send + 'static>(
        config: &Config,
        lines: impl IntoIterator<Item = (HeaderName, T)>,
        uri: Option<&str>,
        peer: Option<IpAddr>,
    ) -> Self {
        let mut map = HeaderMap::new();
        let mut is_well_formed = true;
        for (name, value) in lines {
            let added = sensitive(value).is_some_and(|value| map.try_append(name, value).is_ok());
            is_well_formed &= added;
        }
        let credential = match parse(config, uri) {
            Err(error) => Err(error),
            Ok(_) if !is_well_formed => Err(malformed()),
            Ok(uri) => Ok(config.sources.read(&map, uri.as_ref())),
        };
        Self { credential, headers: map, peer, extensions: Extensions::new() }
    }

    pub(crate) fn head(&self) -> RequestHead<'_> {
        let extensions = Some(&self.extensions);
        RequestHead { headers: &self.headers, uri: None, extensions, peer: self.peer }
    }
}

impl Config {
    /// Returns whether the decision may depend on any header: the function that defines the client address can read all
    /// of them.
    pub(crate) fn reads_all(&self) -> bool {
        self.client_address.is_some()
    }

    /// Returns whether the decision depends on a header.
    fn reads(&self, name: &str) -> bool {
        let is_source = |source: &HeaderName| source.as_str().eq_ignore_ascii_case(name);
        self.reads_all() || self.sources.header_names().iter().any(is_source)
    }
}

fn sensitive(value: impl AsRef<[u8]> + Send + 'static) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Parses the target of the request if a source reads it.
fn parse(config: &Config, uri: Option<&str>) -> Result<Option<Uri>, AuthError> {
    if !config.sources.read_uri() {
        return Ok(None);
    }
    let uri = uri.ok_or(AuthError::Misconfigured(Misconfiguration::NoUri))?;
    let bytes = Bytes::from_owner(Zeroizing::new(uri.as_bytes().to_vec()));
    Uri::from_maybe_shared(bytes).map(Some).map_err(|_| malformed())
}

fn malformed() -> AuthError {
    AuthError::wrong(WrongReason::Malformed, None, false)
}
