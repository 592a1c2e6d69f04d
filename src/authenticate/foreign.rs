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

/// The head of a request with other header types, as far as verification reads it.
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
        let mut map = HeaderMap::new();
        let mut is_well_formed = true;
        for (name, value) in headers.into_iter().filter(|(name, _)| config.reads(name)) {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
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
    /// Returns whether a header has a part in the decision. The function that defines the address may read any.
    fn reads(&self, name: &str) -> bool {
        let is_source = |source: &HeaderName| source.as_str().eq_ignore_ascii_case(name);
        self.client_address.is_some() || self.sources.header_names().iter().any(is_source)
    }
}

/// Copies the value, which may be a key, into a buffer that is overwritten when it is dropped.
fn sensitive(value: &[u8]) -> Option<HeaderValue> {
    let bytes = Bytes::from_owner(Zeroizing::new(value.to_vec()));
    let mut value = HeaderValue::from_maybe_shared(bytes).ok()?;
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
