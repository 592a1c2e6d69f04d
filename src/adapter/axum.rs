use std::borrow::Cow;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::client::Client;
use crate::error::AuthError;
use crate::layer::client_of;
use crate::respond::{Challenges, ProblemJson, Refusal, refusal};

/// The verified caller. On a route without an [`ApiKeyLayer`](crate::ApiKeyLayer), extraction fails with
/// [`AuthError::Misconfigured`]: 500. A handler that takes `Result<Client, AuthError>` receives the error.
impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        client_of(&parts.extensions)?.cloned().ok_or(AuthError::NoCredentials)
    }
}

/// The caller behind an [`optional`](crate::ApiKeyLayer::optional) layer: `None` if it is anonymous.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Client {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(client_of(&parts.extensions)?.cloned())
    }
}

/// Makes the layer's default response, so that a handler can use `?`.
///
/// An [`ApiKeyLayer`](crate::ApiKeyLayer) around the handler replaces the challenge with its own. Without a layer, the
/// response has the challenge of the default source and realm.
impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let challenges = Challenges::of_default();
        let response = refusal::<Cow<'static, str>>(&ProblemJson, &self, Some(challenges));
        let mut response = response.map(Into::into);
        Refusal::of(&mut response).default_challenges = true;
        response
    }
}
