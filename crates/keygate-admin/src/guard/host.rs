use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

use crate::error::PageError;
use crate::site::Site;

/// Refuses requests for another host. This stops DNS rebinding, where a foreign name resolves to this address.
pub(super) fn check(site: &Site, parts: &Parts) -> Result<(), PageError> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let header = match (lines.next(), lines.next()) {
        (None, _) => None,
        (Some(host), None) => Some(host.to_str().unwrap_or_default()),
        (Some(_), Some(_)) => Some(""),
    };
    // HTTP/2 sends the host in the request target, and may repeat it in the `Host` header.
    let target = parts.uri.authority().map(Authority::as_str);
    let mut hosts = [header, target].into_iter().flatten().peekable();
    let is_ours = hosts.peek().is_some() && hosts.all(|host| site.is_host(host));
    if is_ours { Ok(()) } else { Err(PageError::OtherHost) }
}
