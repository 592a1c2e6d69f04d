//! Reads the key from a request, and compares the result with [`reference`](crate::reference).
//!
//! The first byte chooses the sources, and whether keys have a prefix. Each line of the rest is a part of the request:
//! its first character chooses the part.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::header::{
    AUTHORIZATION, COOKIE, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE,
};
use http::{Request, Response, Uri};
use keygate::{
    ApiKeyLayer, AuthError, Authenticator, Client, KeyDigest, KeyRecord, LocalKeyStore,
    MemoryStore, Source, StoreError, WrongReason,
};
use tower::{Layer as _, ServiceExt as _};

use crate::cases::{self, Constructor, SourceCase};
use crate::reference::{self, Found, Location};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_KEY: HeaderName = HeaderName::from_static("x-key");

/// The locations to choose from. `every` has each kind of source.
fn orders(every: &[Location]) -> [&[Location]; 12] {
    [
        &[Location::Header("x-api-key")],
        &[Location::Scheme("Bearer")],
        &[Location::Query("key")],
        &[Location::Cookie("key")],
        every,
        &[Location::Query("k y"), Location::Scheme("Token"), Location::Scheme("Bearer")],
        &[Location::Cookie("key"), Location::Header("x-key"), Location::Header("x-api-key")],
        &[Location::Scheme("ApiKey"), Location::Query("schl\u{fc}ssel"), Location::Cookie("a.b")],
        &[Location::Basic],
        &[Location::Raw("authorization"), Location::Scheme("Bearer")],
        &[Location::Protocol("keygate.")],
        &[Location::Scheme("Bearer"), Location::Basic, Location::Protocol("k")],
    ]
}

/// The location in which the reference finds the key of a source.
fn location(case: &SourceCase) -> Location {
    match case.constructor {
        Constructor::Header => Location::Header("x-api-key"),
        Constructor::Bearer => Location::Scheme("Bearer"),
        Constructor::Scheme => Location::Scheme("Token"),
        Constructor::Cookie => Location::Cookie("key"),
        Constructor::Query => Location::Query("key"),
        Constructor::Basic => Location::Basic,
        Constructor::HeaderRaw => Location::Raw("authorization"),
        Constructor::WebsocketProtocol => Location::Protocol("keygate."),
    }
}

/// Reads a key from the request that `data` describes.
///
/// # Panics
///
/// The decision differs from the reference, or a key is left in a stripped request.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let every: Vec<_> = cases::all().iter().map(location).collect();
    let orders = orders(&every);
    let locations = orders[usize::from(choice & 0x3f) % orders.len()];
    let prefix = if choice & 0x40 == 0 { "" } else { "0k" };
    let Some(request) = request(rest) else { return };
    let found = reference::read(locations, prefix, request.headers(), request.uri());
    let auth = Authenticator::new(Half)
        .with_sources_in_parts(locations.iter().map(|location| source(location, prefix)))
        .expect("the sources are well formed");

    let (parts, ()) = request.clone().into_parts();
    compare(&found, auth.verify_parts(&parts));

    let response = auth.respond::<String>(&AuthError::NoCredentials);
    let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter().count();
    // Basic and bare keys share a challenge.
    assert!((1..=locations.len()).contains(&challenges));

    let layer = ApiKeyLayer::from(auth).strip_credentials();
    let service = layer.layer(tower::service_fn(|request: Request<()>| async move {
        let (parts, ()) = request.into_parts();
        let mut response = Response::new(String::new());
        response.extensions_mut().insert(parts);
        Ok::<_, Infallible>(response)
    }));
    let mut call = pin!(service.oneshot(request));
    let Poll::Ready(Ok(mut response)) = call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("nothing here waits");
    };
    if let Some(parts) = response.extensions_mut().remove::<http::request::Parts>() {
        let client = parts.extensions.get::<Client>().cloned();
        compare(&found, Ok(client.expect("an admitted request has a client")));
        assert_stripped(locations, prefix, &parts);
    } else {
        let error = response.extensions_mut().remove::<AuthError>();
        compare(&found, Err(error.expect("a refusal carries its error")));
    }
}

/// No source finds a key, and `Authorization` contains no text that may be a key without its scheme.
fn assert_stripped(locations: &[Location], prefix: &str, parts: &http::request::Parts) {
    for location in locations {
        let scheme = match location {
            Location::Scheme(scheme) => Some(*scheme),
            Location::Basic => Some("Basic"),
            Location::Raw(_) => Some(""),
            _ => None,
        };
        if let (Some(scheme), "") = (scheme, prefix) {
            for line in parts.headers.get_all(AUTHORIZATION) {
                let (name, credentials) = reference::words(line.as_bytes());
                let is_empty = name.is_empty();
                assert!(is_empty || !credentials.is_empty(), "{line:?} may be a key");
                assert!(
                    is_empty || !name.eq_ignore_ascii_case(scheme.as_bytes()),
                    "a line of {scheme} is left"
                );
            }
        } else {
            // Blank lines stay, although a blank line among others is ambiguous.
            let mut headers = parts.headers.clone();
            headers.remove(AUTHORIZATION);
            let lines = parts.headers.get_all(AUTHORIZATION).iter();
            for line in lines.filter(|line| !line.as_bytes().trim_ascii().is_empty()) {
                headers.append(AUTHORIZATION, line.clone());
            }
            let left = reference::read(&[*location], prefix, &headers, &parts.uri);
            assert_eq!(left, Found::Nothing, "{:?} {}", parts.headers, parts.uri);
        }
    }
}

/// A store that knows half of all keys, so that known and unknown ones occur.
struct Half;

impl LocalKeyStore for Half {
    fn find(&self, digest: &KeyDigest) -> Result<Option<KeyRecord>, StoreError> {
        Ok(is_known(digest).then(|| KeyRecord::new(*digest, "User 1")))
    }
}

fn is_known(digest: &KeyDigest) -> bool {
    digest.to_bytes()[0].is_multiple_of(2)
}

fn compare(found: &Found, result: Result<Client, AuthError>) {
    match (found, result) {
        (Found::Nothing, Err(AuthError::NoCredentials)) => {}
        (Found::Wrong { reason, by_bearer }, Err(error)) => {
            assert_wrong(&error, *reason, *by_bearer)
        }
        (Found::Key { key, by_bearer }, result) => {
            let digest = KeyDigest::of(key);
            match result {
                Ok(client) => {
                    assert!(is_known(&digest));
                    assert_eq!(client.key_id(), KeyRecord::new(digest, "User 1").key_id());
                }
                Err(error) => {
                    assert!(!is_known(&digest), "{error:?}");
                    assert_wrong(&error, WrongReason::Unknown, *by_bearer);
                }
            }
        }
        (found, result) => panic!("{result:?}, but the reference says {found:?}"),
    }
}

/// Returns whether the challenge for Bearer names the error, as it does if the wrong key came by Bearer.
fn came_by_bearer(error: &AuthError) -> bool {
    let auth = Authenticator::new(MemoryStore::new()).with_sources([Source::bearer()]);
    let response = auth.expect("Bearer is a source").respond::<String>(error);
    response.headers()["www-authenticate"]
        .as_bytes()
        .windows(13)
        .any(|part| part == b"invalid_token")
}

fn assert_wrong(error: &AuthError, expected: WrongReason, bearer: bool) {
    match error {
        AuthError::WrongCredentials(wrong) => {
            assert_eq!((wrong.reason(), came_by_bearer(error)), (expected, bearer));
        }
        error => panic!("{error:?}, but the reference says {expected:?}"),
    }
}

fn source(location: &Location, prefix: &str) -> Source {
    let source = match location {
        Location::Header(name) => Source::header(name),
        Location::Scheme(name) => Source::scheme(name),
        Location::Query(name) => Source::query(name),
        Location::Cookie(name) => Source::cookie(name),
        Location::Basic => Source::basic(),
        Location::Raw(name) => Source::header_raw(name),
        Location::Protocol(text) => Source::websocket_protocol(text),
    };
    if prefix.is_empty() { source } else { source.with_prefix(prefix) }
}

/// The request; `None` if a part of it could not be received by a server.
fn request(text: &[u8]) -> Option<Request<()>> {
    let mut request = Request::new(());
    for line in text.split(|byte| *byte == b'\n').take(64) {
        let Some((part, value)) = line.split_first() else { continue };
        let name = match part {
            b'h' => X_API_KEY,
            b'k' => X_KEY,
            b'a' => AUTHORIZATION,
            b'c' => COOKIE,
            b'w' => SEC_WEBSOCKET_PROTOCOL,
            // The header of the source with this number, so that no source lacks requests.
            b'0'..=b'9' => {
                let case = cases::all().into_iter().nth(usize::from(part - b'0'));
                let Some(name) = case.and_then(|case| case.header) else { continue };
                HeaderName::from_static(name)
            }
            b'b' => {
                let value = format!("Basic {}", cases::base64(value));
                request.headers_mut().append(AUTHORIZATION, HeaderValue::try_from(value).ok()?);
                continue;
            }
            b'?' => {
                *request.uri_mut() = Uri::try_from([b"/path?", value].concat()).ok()?;
                continue;
            }
            b'u' => {
                *request.uri_mut() = Uri::try_from(value).ok()?;
                continue;
            }
            _ => continue,
        };
        request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
    }
    Some(request)
}
