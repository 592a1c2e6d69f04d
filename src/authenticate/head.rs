use std::net::IpAddr;

use http::request::Parts;
use http::{Extensions, HeaderMap, Uri};

/// The parts of a request that verification reads. The caller may not have all of them.
#[derive(Clone, Copy)]
pub(crate) struct RequestHead<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) uri: Option<&'a Uri>,
    pub(crate) extensions: Option<&'a Extensions>,
    /// The address of the peer, if the caller passes it apart from the extensions.
    pub(crate) peer: Option<IpAddr>,
}

impl<'a> From<&'a HeaderMap> for RequestHead<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self { headers, uri: None, extensions: None, peer: None }
    }
}

impl<'a> From<&'a Parts> for RequestHead<'a> {
    fn from(Parts { headers, uri, extensions, .. }: &'a Parts) -> Self {
        Self { headers, uri: Some(uri), extensions: Some(extensions), peer: None }
    }
}
