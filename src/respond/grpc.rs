use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response};

use super::Respond;
use crate::error::AuthError;

/// A gRPC status without messages ("Trailers-Only"): `UNAUTHENTICATED` (16), `PERMISSION_DENIED` (7),
/// `RESOURCE_EXHAUSTED` (8), `INTERNAL` (13) or `UNAVAILABLE` (14).
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
        // gRPC has its own status; that of HTTP is always 200.
        let mut response = Response::new(B::default());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        response.headers_mut().insert(HeaderName::from_static("grpc-status"), code(error).into());
        // No error has a character that `grpc-message` escapes.
        if let Ok(message) = HeaderValue::try_from(error.to_string()) {
            response.headers_mut().insert(HeaderName::from_static("grpc-message"), message);
        }
        response
    }
}

/// The code of the error in gRPC.
pub(super) fn code(error: &AuthError) -> i32 {
    match error {
        AuthError::NoCredentials | AuthError::WrongCredentials(_) => 16,
        AuthError::InsufficientScope(_) | AuthError::SentInClear(_) => 7,
        AuthError::Throttled(_) => 8,
        AuthError::Unavailable(_) => 14,
        AuthError::Misconfigured(_) => 13,
    }
}
