use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response};

use super::{Respond, set};
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
        let (code, message) = match error {
            AuthError::NoCredentials => ("16", "Credentials not present in request"),
            AuthError::WrongCredentials(_) => ("16", "Credentials not valid"),
            AuthError::InsufficientScope(_) => ("7", ""),
            AuthError::Throttled(_) => ("8", "Too many requests"),
            AuthError::Unavailable(_) => ("14", "Credentials could not be checked"),
            AuthError::Misconfigured(_) => ("13", ""),
        };
        // gRPC has its own status; that of HTTP is always 200.
        let mut response = Response::new(B::default());
        set(&mut response, CONTENT_TYPE, "application/grpc");
        set(&mut response, HeaderName::from_static("grpc-status"), code);
        let message = match error {
            // Neither scopes nor these sentences have a character that `grpc-message` escapes.
            AuthError::InsufficientScope(_) | AuthError::Misconfigured(_) => {
                HeaderValue::try_from(error.to_string()).ok()
            }
            AuthError::NoCredentials
            | AuthError::WrongCredentials(_)
            | AuthError::Throttled(_)
            | AuthError::Unavailable(_) => Some(HeaderValue::from_static(message)),
        };
        if let Some(message) = message {
            response.headers_mut().insert(HeaderName::from_static("grpc-message"), message);
        }
        response
    }
}
