//! Responses to refused requests.
//!
//! An [`AuthError`] comes in, an HTTP response goes out. Start with [`Respond`] below, which makes status and body:
//! `problem_json.rs`, `no_body.rs` and `grpc.rs` implement it. `refusal.rs` adds the headers that every refusal carries;
//! `challenge.rs` writes `WWW-Authenticate`. `caching.rs` and `warning.rs` add headers to responses to admitted requests.

#[cfg(feature = "tower")]
use http::Extensions;
use http::Response;

use crate::error::AuthError;

mod caching;
mod challenge;
mod grpc;
mod no_body;
mod problem_json;
#[cfg_attr(not(feature = "tower"), allow(dead_code))]
mod refusal;
#[cfg(feature = "tonic-0_14")]
mod status;
mod warning;

pub(crate) use caching::Caching;
pub(crate) use challenge::Challenges;
pub use grpc::Grpc;
pub use no_body::NoBody;
pub use problem_json::ProblemJson;
#[cfg(feature = "tower")]
pub(crate) use refusal::complete;
pub(crate) use refusal::{Refusal, add_headers, refusal};
pub(crate) use warning::{ExpiryWarning, WarningHeader, add_warning};

/// Makes the response to a refused request: status, body, and the headers that describe the body.
///
/// keygate adds the challenges, `Cache-Control: no-store`, `Retry-After`, and the error in the response's extensions.
/// A closure `Fn(&AuthError) -> Response<B>` implements this trait.
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
    note = "for a boxed body, use `.with_response(|error: &AuthError| ProblemJson.respond(error).map(..))`",
    note = "or use `.with_response(..)` with a closure `Fn(&AuthError) -> Response<{B}>`"
)]
pub trait Respond<B> {
    /// Makes the response.
    fn respond(&self, error: &AuthError) -> Response<B>;
}

impl<B, F: Fn(&AuthError) -> Response<B>> Respond<B> for F {
    fn respond(&self, error: &AuthError) -> Response<B> {
        self(error)
    }
}

/// Returns the error of a response that refuses a request.
#[cfg(feature = "tower")]
#[inline]
pub(crate) fn error_of(extensions: &Extensions) -> Option<&AuthError> {
    let error = extensions.get();
    #[cfg(feature = "tonic-0_14")]
    let error = error.or_else(|| status::error_of(extensions));
    error
}
