use std::borrow::Cow;
use std::fmt;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::client::Client;
use crate::error::AuthError;
use crate::layer::Anonymous;
use crate::respond::{Challenges, ProblemJson, Refusal, refusal};

/// Why a handler got no [`Client`].
///
/// ```
/// use axum::{Router, routing::get};
/// use keygate::Client;
/// use keygate::adapter::NotVerified;
///
/// async fn greet(client: Result<Client, NotVerified>) -> String {
///     match client {
///         Ok(client) => format!("Hello, {}", client.name()),
///         Err(reason) => reason.to_string(),
///     }
/// }
/// let app: Router = Router::new().route("/", get(greet));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NotVerified {
    /// The layer let an anonymous request through, and the handler asks for a client: 401.
    Refused(AuthError),
    /// No [`ApiKeyLayer`](crate::ApiKeyLayer) guards this route, which is a fault of the service: 500.
    NoLayer,
}

impl fmt::Display for NotVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::NoLayer => f.write_str(
                "no `ApiKeyLayer` guards this route: put it around the routes that ask for a `Client`",
            ),
        }
    }
}

impl std::error::Error for NotVerified {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(error) => Some(error),
            Self::NoLayer => None,
        }
    }
}

impl IntoResponse for NotVerified {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(error) => error.into_response(),
            Self::NoLayer => {
                (http::StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
            }
        }
    }
}

/// The verified caller. On a route without an [`ApiKeyLayer`](crate::ApiKeyLayer) this is a 500 that
/// says so, never an anonymous caller.
impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = NotVerified;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        client_of(parts)?.ok_or(NotVerified::Refused(AuthError::NoCredentials))
    }
}

/// The caller behind a layer that is [`optional`](crate::ApiKeyLayer::optional): `None` for an
/// anonymous one.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Client {
    type Rejection = NotVerified;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        client_of(parts)
    }
}

fn client_of(parts: &Parts) -> Result<Option<Client>, NotVerified> {
    match parts.extensions.get::<Client>() {
        Some(client) => Ok(Some(client.clone())),
        None if parts.extensions.get::<Anonymous>().is_some() => Ok(None),
        None => Err(NotVerified::NoLayer),
    }
}

/// The same answer as the layer's, so that a handler can use `?`.
///
/// An [`ApiKeyLayer`](crate::ApiKeyLayer) around the handler adds its challenges; without one, the
/// challenge is that of the default source and realm.
impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let challenges = Challenges::of_default();
        let response = refusal::<Cow<'static, str>>(&ProblemJson, &self, Some(challenges));
        let mut response = response.map(Into::into);
        Refusal::of(&mut response).default_challenges = true;
        response
    }
}
