//! Responses to refused requests.
//!
//! An [`AuthError`] comes in; an HTTP response goes out, whose body is made by a [`Respond`] and whose headers are made here.
//! Start with [`Respond`] and `refusal` below. `challenge.rs` writes `WWW-Authenticate`.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::marker::PhantomData;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use crate::error::AuthError;

mod challenge;

pub(crate) use challenge::Challenges;

/// Makes the response to a request that is not let in: its status, its body, and the fields that
/// describe the body.
///
/// Whoever calls it adds the rest: the challenges, `Cache-Control: no-store`, `Retry-After`, and the
/// error in the response's extensions. A closure from `&AuthError` to a response is one.
///
/// ```
/// use http::Response;
/// use keygate::{ApiKeyLayer, AuthError, MemoryStore};
///
/// let layer = ApiKeyLayer::new(MemoryStore::new()).with_response(|error: &AuthError| {
///     Response::builder().status(error.status()).body(format!("no: {error}")).unwrap()
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not make responses with the body `{B}`",
    note = "`ProblemJson` needs a body made from `String` and `&'static str`, `NoBody` and `Grpc` need one that is `Default`",
    note = "for a boxed body, use `.with_response(ProblemJson.map_body(|body: String| ..))`",
    note = "or use `.with_response(..)` with a closure `Fn(&AuthError) -> Response<{B}>`"
)]
pub trait Respond<B> {
    /// Makes the response.
    fn respond(&self, error: &AuthError) -> Response<B>;

    /// Converts the body of each response, such as for a service whose bodies are boxed.
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use bytes::Bytes;
    /// use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
    /// use keygate::{ApiKeyLayer, MemoryStore};
    /// use keygate::respond::{ProblemJson, Respond as _};
    ///
    /// type Body = BoxBody<Bytes, Infallible>;
    ///
    /// let respond = ProblemJson.map_body(|body: Full<Bytes>| -> Body { body.boxed() });
    /// let layer = ApiKeyLayer::new(MemoryStore::new()).with_response(respond);
    /// ```
    fn map_body<F, C>(self, map: F) -> MapBody<Self, F, B>
    where
        Self: Sized,
        F: Fn(B) -> C,
    {
        MapBody { respond: self, map, from: PhantomData }
    }
}

impl<B, F: Fn(&AuthError) -> Response<B>> Respond<B> for F {
    fn respond(&self, error: &AuthError) -> Response<B> {
        self(error)
    }
}

/// The responses of `R` with converted bodies, made by [`Respond::map_body`].
pub struct MapBody<R, F, B> {
    respond: R,
    map: F,
    from: PhantomData<fn(B)>,
}

impl<R, F, B, C> Respond<C> for MapBody<R, F, B>
where
    R: Respond<B>,
    F: Fn(B) -> C,
{
    fn respond(&self, error: &AuthError) -> Response<C> {
        self.respond.respond(error).map(&self.map)
    }
}

impl<R: Clone, F: Clone, B> Clone for MapBody<R, F, B> {
    fn clone(&self) -> Self {
        Self { respond: self.respond.clone(), map: self.map.clone(), from: PhantomData }
    }
}

impl<R: fmt::Debug, F, B> fmt::Debug for MapBody<R, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapBody").field(&self.respond).finish_non_exhaustive()
    }
}

/// Problem details in JSON (RFC 9457), the default, for bodies made from `String` and `&'static str`.
///
/// The bodies of axum, salvo, jsonrpsee, lambda_http and warp are, and so is `http_body_util::Full`. For
/// boxed bodies, see [`Respond::map_body`].
///
/// ```
/// use keygate::AuthError;
/// use keygate::respond::{ProblemJson, Respond};
///
/// let response: http::Response<String> = ProblemJson.respond(&AuthError::NoCredentials);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// assert!(response.body().contains(r#""detail":"Credentials not present in request""#));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ProblemJson;

impl<B: From<String> + From<&'static str>> Respond<B> for ProblemJson {
    fn respond(&self, error: &AuthError) -> Response<B> {
        // `type` is absent, which means `about:blank`: the title is then that of the status
        // (RFC 9457 section 4.2.1).
        let body: B = match error {
            AuthError::NoCredentials => {
                r#"{"title":"Unauthorized","status":401,"detail":"Credentials not present in request"}"#.into()
            }
            AuthError::WrongCredentials { .. } => {
                r#"{"title":"Unauthorized","status":401,"detail":"Credentials not valid"}"#.into()
            }
            AuthError::Unavailable(_) => {
                r#"{"title":"Service Unavailable","status":503,"detail":"Credentials could not be checked"}"#.into()
            }
            // No scope has a character that JSON would escape.
            AuthError::InsufficientScope(missing) => {
                format!(r#"{{"title":"Forbidden","status":403,"detail":"{missing}"}}"#).into()
            }
            AuthError::Throttled(_) => {
                r#"{"title":"Too Many Requests","status":429,"detail":"Too many requests"}"#.into()
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = error.status();
        set(&mut response, CONTENT_TYPE, "application/problem+json");
        response
    }
}

/// The status and an empty body: for bodies that are `Default` and nothing else.
///
/// ```
/// use keygate::AuthError;
/// use keygate::respond::{NoBody, Respond};
///
/// let response: http::Response<()> = NoBody.respond(&AuthError::NoCredentials);
/// assert_eq!(response.status(), 401);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBody;

impl<B: Default> Respond<B> for NoBody {
    fn respond(&self, error: &AuthError) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = error.status();
        response
    }
}

/// A gRPC status without messages ("Trailers-Only"): `UNAUTHENTICATED` (16), `PERMISSION_DENIED` (7),
/// `RESOURCE_EXHAUSTED` (8) or `UNAVAILABLE` (14).
///
/// ```
/// use keygate::AuthError;
/// use keygate::respond::{Grpc, Respond};
///
/// let response: http::Response<()> = Grpc.respond(&AuthError::NoCredentials);
/// assert_eq!(response.headers()["grpc-status"], "16");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Grpc;

impl<B: Default> Respond<B> for Grpc {
    fn respond(&self, error: &AuthError) -> Response<B> {
        let (code, message) = match error {
            AuthError::NoCredentials => ("16", "Credentials not present in request"),
            AuthError::WrongCredentials { .. } => ("16", "Credentials not valid"),
            AuthError::InsufficientScope(_) => ("7", ""),
            AuthError::Throttled(_) => ("8", "Too many requests"),
            AuthError::Unavailable(_) => ("14", "Credentials could not be checked"),
        };
        // gRPC has its own status: the one of HTTP is always 200.
        let mut response = Response::new(B::default());
        set(&mut response, CONTENT_TYPE, "application/grpc");
        set(&mut response, HeaderName::from_static("grpc-status"), code);
        let message = match error {
            // Text without characters that would need an escape there.
            AuthError::InsufficientScope(missing) => {
                HeaderValue::try_from(missing.to_string()).ok()
            }
            _ => Some(HeaderValue::from_static(message)),
        };
        if let Some(message) = message {
            response.headers_mut().insert(HeaderName::from_static("grpc-message"), message);
        }
        response
    }
}

fn set<B>(response: &mut Response<B>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// The whole answer to a request that is not let in. The challenges are those of the sources, whatever
/// `respond` says: never a scheme that is off.
pub(crate) fn refusal<B>(
    respond: &impl Respond<B>,
    error: &AuthError,
    challenges: &Challenges,
) -> Response<B> {
    let mut response = respond.respond(error);
    if error.status() != StatusCode::UNAUTHORIZED {
        response.headers_mut().remove(WWW_AUTHENTICATE);
    }
    add_fields(&mut response, error, Some(challenges));
    response.extensions_mut().insert(error.clone());
    response
}

/// Marks a response whose refusal was reported to observers, so that no layer around it reports it again.
#[derive(Clone, Copy)]
pub(crate) struct Notified;

/// Marks a response that has the RateLimit headers of its error: they look like the headers of another limit.
#[derive(Clone, Copy)]
struct Limited;

/// Put beside the error in the extensions of a response that was made without an authenticator, whose
/// challenges are therefore those of the default one, until a layer puts its own in their place.
#[cfg(feature = "axum")]
#[derive(Clone, Copy)]
pub(crate) struct Provisional;

/// Adds what every refusal carries, whoever made its body. Challenges that are there stay: they are
/// those of an inner layer.
#[cfg(feature = "tower")]
pub(crate) fn complete<B>(response: &mut Response<B>, error: &AuthError, challenges: &Challenges) {
    let missing = (!response.headers().contains_key(WWW_AUTHENTICATE)).then_some(challenges);
    add_fields(response, error, missing);
    response.extensions_mut().insert(error.clone());
}

pub(crate) fn add_fields<B>(
    response: &mut Response<B>,
    error: &AuthError,
    challenges: Option<&Challenges>,
) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let AuthError::Throttled(throttled) = error {
        response.headers_mut().insert(RETRY_AFTER, throttled.retry_after().into());
        if let Some(own) = throttled.headers()
            && response.extensions_mut().insert(Limited).is_none()
        {
            for (name, value) in own {
                response.headers_mut().append(name, value.clone());
            }
        }
    }
    let headers = response.headers_mut();
    match (error.status(), challenges) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(challenges)) => {
            challenges.put(error, headers);
        }
        (StatusCode::SERVICE_UNAVAILABLE, _) => {
            headers.entry(RETRY_AFTER).or_insert_with(retry_after);
        }
        _ => {}
    }
}

/// One to five seconds, at random: callers that were refused together do not come back together.
fn retry_after() -> HeaderValue {
    // The one source of random numbers in the standard library; nothing here is secret.
    HeaderValue::from(1 + RandomState::new().build_hasher().finish() % 5)
}
