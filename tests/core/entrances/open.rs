//! Sends a request through every entrance that can take it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::request::Parts;
use http::{Request, Response};
use keygate::error::StoreErrorKind;
use keygate::respond::{ProblemJson, Respond as _};
use keygate::{
    ApiKeyLayer, AuthError, Authenticator, Client, KeyId, KeyStore, MemoryStore, Source,
    WrongReason, authenticate, verify,
};
use tower::{Layer as _, ServiceExt as _};

use crate::common::keys::Keys;
use crate::common::reply::Reply;
use crate::common::services::greet;
use crate::common::stores::{Anyone, Later};
use crate::entrances::cases::Case;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Admitted { name: String, key_id: KeyId },
    NoCredentials,
    Wrong { reason: WrongReason, key_id: Option<KeyId>, by_bearer: bool },
    Unavailable(StoreErrorKind),
}

impl From<Result<Client, AuthError>> for Outcome {
    fn from(result: Result<Client, AuthError>) -> Self {
        match result {
            Ok(client) => {
                Self::Admitted { name: client.name().to_owned(), key_id: client.key_id() }
            }
            Err(AuthError::NoCredentials) => Self::NoCredentials,
            Err(AuthError::WrongCredentials(wrong)) => Self::Wrong {
                reason: wrong.reason(),
                key_id: wrong.key_id(),
                by_bearer: came_by_bearer(&AuthError::WrongCredentials(wrong)),
            },
            Err(AuthError::Unavailable(error)) => Self::Unavailable(error.kind()),
            Err(error) => panic!("an unexpected error: {error:?}"),
        }
    }
}

/// Returns whether the challenge for Bearer names the error, as it does if the wrong key came by Bearer.
fn came_by_bearer(error: &AuthError) -> bool {
    let auth = Authenticator::new(MemoryStore::new()).with_sources([Source::bearer()]).unwrap();
    let response = auth.respond::<String>(error);
    response.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token")
}

/// The result of one entrance.
pub(crate) struct Opened {
    pub(crate) entrance: &'static str,
    pub(crate) outcome: Outcome,
    /// `None` if the entrance admits the request and makes no response itself.
    pub(crate) response: Option<Reply>,
}

pub(crate) async fn all(case: &Case) -> Vec<Opened> {
    let headers = case.request.headers();
    let parts = case.request.clone().into_parts().0;
    let local = in_parts(Keys, case);
    let later = in_parts(Later(Keys), case);

    let mut verified = Vec::new();
    if case.sources.is_none() {
        verified.push(("verify(..)", verify(&Keys, headers)));
        verified.push(("authenticate(..)", authenticate(&Keys, headers).await));
        verified.push(("authenticate(..), later", authenticate(&Later(Keys), headers).await));
        let shared: Arc<dyn KeyStore> = Arc::new(Later(Keys));
        verified.push(("authenticate(..), dyn", authenticate(&shared, headers).await));
    }
    if let Some(local) = in_headers(Keys, case) {
        verified.push(("verify", local.verify(headers)));
        verified.push(("authenticate", local.authenticate(headers).await));
    }
    if let Some(later) = in_headers(Later(Keys), case) {
        verified.push(("authenticate, later", later.authenticate(headers).await));
    }
    verified.push(("verify_parts", local.verify_parts(&parts)));
    verified.push(("authenticate_parts", local.authenticate_parts(&parts).await));
    verified.push(("authenticate_parts, later", later.authenticate_parts(&parts).await));
    if let Some(key) = &case.key {
        verified.push(("verify_key", local.verify_key(key)));
        verified.push(("authenticate_key", local.authenticate_key(key).await));
        verified.push(("authenticate_key, later", later.authenticate_key(key).await));
    }

    let mut opened = Vec::new();
    for (entrance, result) in verified {
        let response = result.as_ref().err().map(|error| local.respond::<String>(error));
        let response = match response {
            Some(response) => Some(Reply::of(response).await),
            None => None,
        };
        opened.push(Opened { entrance, outcome: result.into(), response });
    }
    let request = &case.request;
    opened.push(layer("layer", Keys, case).await);
    opened.push(layer("layer, later", Later(Keys), case).await);
    let foreign = Foreign::of(request);
    let result = local.verify_headers(foreign.headers(), Some(&foreign.uri), None);
    opened.push(finished("by hand", &local, result).await);
    let result = local.authenticate_headers(foreign.headers(), Some(&foreign.uri), None).await;
    opened.push(finished("by hand, at once", &local, result).await);
    let result = later.authenticate_headers(foreign.headers(), Some(&foreign.uri), None).await;
    opened.push(finished("by hand, later", &later, result).await);
    opened.push(app("extractor", extracting(Keys, case), request).await);
    opened.push(app("extractor, later", extracting(Later(Keys), case), request).await);
    opened.push(app("`?` behind a layer", returning_within(case), request).await);
    if case.sources.is_none() {
        opened.push(app("`?` without a layer", returning(Later(Keys), case), request).await);
    }
    opened
}

/// A request in the types of another HTTP stack, with the names of headers as callers write them.
struct Foreign {
    lines: Vec<(String, Vec<u8>)>,
    uri: String,
}

impl Foreign {
    fn of(request: &Request<()>) -> Self {
        let lines = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_ascii_uppercase(), value.as_bytes().to_owned()));
        Self { lines: lines.collect(), uri: request.uri().to_string() }
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// Makes the same response as the layer.
async fn finished<S: KeyStore>(
    entrance: &'static str,
    auth: &Authenticator<S, Parts>,
    result: Result<Client, AuthError>,
) -> Opened {
    let response = match &result {
        Ok(client) => {
            let mut response = Response::new(client.name().to_owned());
            auth.finish_response(response.headers_mut(), client);
            response
        }
        Err(error) => {
            let mut response = ProblemJson.respond(error);
            auth.finish_refusal(response.headers_mut(), error);
            response
        }
    };
    Opened { entrance, outcome: result.into(), response: Some(Reply::of(response).await) }
}

fn in_headers<S: KeyStore>(store: S, case: &Case) -> Option<Authenticator<S>> {
    let auth = Authenticator::new(store);
    let auth = match &case.sources {
        Some(sources) => auth.with_sources(sources.clone()).ok()?,
        None => auth,
    };
    Some(with_realm(auth, case))
}

fn in_parts<S: KeyStore>(store: S, case: &Case) -> Authenticator<S, Parts> {
    let auth = Authenticator::new(store);
    let default = || vec![keygate::Source::header("x-api-key")];
    let sources = case.sources.clone().unwrap_or_else(default);
    with_realm(auth.with_sources_in_parts(sources).unwrap(), case)
}

fn with_realm<S, R>(auth: Authenticator<S, R>, case: &Case) -> Authenticator<S, R> {
    match case.realm() {
        Some(realm) => auth.with_realm(realm).unwrap(),
        None => auth,
    }
}

fn layer_of<S: KeyStore>(store: S, case: &Case) -> ApiKeyLayer<S> {
    if case.sources.is_none() { ApiKeyLayer::new(store) } else { in_parts(store, case).into() }
}

async fn layer<S: KeyStore>(entrance: &'static str, store: S, case: &Case) -> Opened {
    let greeter =
        tower::service_fn(
            |request: Request<()>| async move { Ok::<_, Infallible>(greet(&request)) },
        );
    let service = layer_of(store, case).layer(greeter);
    let Ok(response) = service.oneshot(case.request.clone()).await;
    seen(entrance, response).await
}

/// A handler that takes the client as an argument, behind the layer.
fn extracting<S: KeyStore>(store: S, case: &Case) -> Router {
    async fn handler(client: Client) -> (Extension<Client>, String) {
        let name = client.name().to_owned();
        (Extension(client), name)
    }
    Router::new().route("/", get(handler)).layer(layer_of(store, case))
}

/// A handler that verifies and returns the error by `?`.
fn returning<S: KeyStore>(store: S, case: &Case) -> Router {
    let auth = Arc::new(in_parts(store, case));
    let handler = async move |parts: Parts| {
        let client = auth.authenticate_parts(&parts).await?;
        let name = client.name().to_owned();
        Ok::<_, AuthError>((Extension(client), name))
    };
    Router::new().route("/", get(handler))
}

/// The same behind a layer with the same realm that admits any key.
fn returning_within(case: &Case) -> Router {
    returning(Keys, case).layer(layer_of(Anyone::default(), case))
}

async fn app(entrance: &'static str, app: Router, request: &Request<()>) -> Opened {
    let request = request.clone().map(|()| Body::empty());
    let Ok(response) = app.oneshot(request).await;
    seen(entrance, response).await
}

async fn seen<B>(entrance: &'static str, response: Response<B>) -> Opened
where
    B: hyper::body::Body<Error: std::fmt::Debug>,
{
    let extensions = response.extensions();
    let outcome = match (extensions.get::<Client>(), extensions.get::<AuthError>()) {
        (Some(client), None) => Ok(client.clone()),
        (None, Some(error)) => Err(error.clone()),
        other => panic!("{entrance}: {other:?} with {}", response.status()),
    };
    let outcome = Outcome::from(outcome);
    Opened { entrance, outcome, response: Some(Reply::of(response).await) }
}
