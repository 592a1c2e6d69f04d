use http::Response;

use super::Respond;
use crate::error::AuthError;

/// The status and an empty body, for body types that are `Default`.
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
