use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

use crate::error::PageError;
use crate::site::Site;

/// Refuses a request for another host, so that a name of somebody else that resolves to this address reaches nothing.
pub(super) fn check(site: &Site, parts: &Parts) -> Result<(), PageError> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let header = match (lines.next(), lines.next()) {
        (None, _) => None,
        (Some(host), None) => Some(host.to_str().unwrap_or_default()),
        (Some(_), Some(_)) => Some(""),
    };
    // HTTP/2 has the host in the target of the request, and may have it in the header, too.
    let target = parts.uri.authority().map(Authority::as_str);
    let mut hosts = [header, target].into_iter().flatten().peekable();
    let is_ours = hosts.peek().is_some() && hosts.all(|host| site.is_host(host));
    if is_ours { Ok(()) } else { Err(PageError::OtherHost) }
}
