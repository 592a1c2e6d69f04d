//! Protection against changes that a page of another origin sends with a signed-in user's cookies (CSRF).

use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderValue, Uri};

use crate::json::{Kind, Problem};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses requests that a browser sent from a page of another origin.
///
/// With each change, browsers send `Sec-Fetch-Site`, and older browsers send `Origin`. A request without either header
/// does not come from a browser.
pub(super) fn check(parts: &Parts, allowed: &[HeaderValue]) -> Result<(), Problem> {
    let header = |name| parts.headers.get(name);
    let origin = header(ORIGIN);
    if origin.is_some_and(|origin| allowed.contains(origin)) {
        return Ok(());
    }
    let is_same = match (header(SEC_FETCH_SITE), origin) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => is_own(origin, parts),
        (None, None) => true,
    };
    if is_same {
        return Ok(());
    }
    let detail = "A page of another origin sent this request: if the origin is yours, allow it in the service.";
    Err(Problem::new(Kind::CrossOrigin, detail))
}

/// Returns whether an origin has the host and port to which the request was sent. The scheme is not compared, since TLS
/// may be terminated in front of the service.
fn is_own(origin: &HeaderValue, parts: &Parts) -> bool {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = parts.uri.authority().map(Authority::as_str).or(host);
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (origin, host) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// Error for a text that is not an origin.
///
/// ```
/// use std::sync::Arc;
///
/// use keygate::MemoryStore;
/// use keygate_admin::self_service;
///
/// let service = self_service(Arc::new(MemoryStore::new()), |_| None);
/// let error = service.add_origin("portal.example").unwrap_err();
/// assert_eq!(error.to_string(), "this is not an origin: write it as in `https://portal.example`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an origin: write it as in `https://portal.example`")]
#[non_exhaustive]
pub struct InvalidOrigin;

/// Parses an origin as browsers send it.
pub(super) fn parse(origin: &str) -> Result<HeaderValue, InvalidOrigin> {
    let uri: Uri = origin.parse().map_err(|_| InvalidOrigin)?;
    let is_web =
        uri.scheme().is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
    let authority = uri.authority().ok_or(InvalidOrigin)?.as_str();
    // An `Origin` header never contains a user, a path or a capital letter.
    let is_whole = origin.split_once("://").is_some_and(|(_, rest)| rest == authority);
    if !is_web || !is_whole || authority.contains('@') || origin != origin.to_ascii_lowercase() {
        return Err(InvalidOrigin);
    }
    HeaderValue::from_str(origin).map_err(|_| InvalidOrigin)
}
