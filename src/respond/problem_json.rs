use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};

use super::Respond;
use crate::error::AuthError;

// A constant, since the characters of a value are checked wherever it is made, which takes 10 ns.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Problem details in JSON (RFC 9457), the default. The body type needs `From<String>` and `From<&'static str>`.
///
/// The bodies of axum, salvo, jsonrpsee, lambda_http and warp have both, and so has `http_body_util::Full`. For boxed
/// bodies, use a closure that converts the body:
///
/// ```
/// use std::convert::Infallible;
/// use bytes::Bytes;
/// use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
/// use keygate::{ApiKeyLayer, AuthError, MemoryStore};
/// use keygate::respond::{ProblemJson, Respond as _};
///
/// type Body = BoxBody<Bytes, Infallible>;
///
/// let boxed = |error: &AuthError| -> http::Response<Body> {
///     ProblemJson.respond(error).map(|body: Full<Bytes>| body.boxed())
/// };
/// let layer = ApiKeyLayer::new(MemoryStore::new()).with_response(boxed);
/// ```
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
        // Without `type`, which means `about:blank`, the title is that of the status (RFC 9457 section 4.2.1).
        let body: B = match error {
            AuthError::NoCredentials => {
                r#"{"title":"Unauthorized","status":401,"detail":"Credentials not present in request"}"#.into()
            }
            AuthError::WrongCredentials(_) => {
                r#"{"title":"Unauthorized","status":401,"detail":"Credentials not valid"}"#.into()
            }
            AuthError::Unavailable(_) => {
                r#"{"title":"Service Unavailable","status":503,"detail":"Credentials could not be checked"}"#.into()
            }
            // Scopes have no character that JSON escapes.
            AuthError::InsufficientScope(missing) => {
                format!(r#"{{"title":"Forbidden","status":403,"detail":"{missing}"}}"#).into()
            }
            // Nor do the sentences of a misconfiguration.
            AuthError::Misconfigured(what) => {
                format!(r#"{{"title":"Internal Server Error","status":500,"detail":"{what}"}}"#).into()
            }
            AuthError::SentInClear(_) => {
                r#"{"title":"Forbidden","status":403,"detail":"Requests must use HTTPS"}"#.into()
            }
            AuthError::Throttled(_) => {
                r#"{"title":"Too Many Requests","status":429,"detail":"Too many requests"}"#.into()
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = error.status();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        response
    }
}
