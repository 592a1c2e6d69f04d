use std::error::Error as _;
use std::sync::Arc;

use http::Extensions;
use tonic::{Code, Status};

use super::grpc::code;
use crate::error::AuthError;

/// Makes the code of [`Grpc`](super::Grpc), so that a handler can use `?`. The error is the source of the status.
///
/// Behind an [`ApiKeyLayer`](crate::ApiKeyLayer), observers are notified, and the response has the headers of other
/// refusals.
impl From<AuthError> for Status {
    fn from(error: AuthError) -> Self {
        let mut status = Self::new(Code::from_i32(code(&error)), error.to_string());
        status.set_source(Arc::new(error));
        status
    }
}

/// Returns the error of a response that tonic made from a status.
///
/// The source is the only part of a status that keeps a type; code, message, details and metadata are sent to the caller.
/// tonic returns it as `dyn Error`, so it must be downcast.
pub(super) fn error_of(extensions: &Extensions) -> Option<&AuthError> {
    extensions.get::<Status>()?.source()?.downcast_ref()
}
