use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;

use axum::extract::State;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response as AxumResponse};
use axum::routing::get;
use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer as _, Service};
use tower_http::validate_request::ValidateRequestHeaderLayer;

use super::drive::{Handler, X_API_KEY};
use super::keys::{key, name};

/// The map of a handwritten check: plaintext keys, compared with `==`.
pub(crate) type PlainKeys = Arc<HashMap<String, Client>>;

#[derive(Clone)]
pub(crate) struct Client {
    _name: String,
}

pub(crate) fn keys(size: u64) -> PlainKeys {
    let entry = |number| {
        let key = String::from_utf8(key(number).into()).expect("keys are ASCII");
        (key, Client { _name: name(number) })
    };
    Arc::new((0..size).map(entry).collect())
}

fn admit<Q>(keys: &PlainKeys, request: &mut Request<Q>) -> Option<()> {
    let key = request.headers().get(&X_API_KEY)?.to_str().ok()?;
    let client = keys.get(key)?.clone();
    request.extensions_mut().insert(client);
    Some(())
}

/// The check in tower-http's layer.
pub(crate) fn tower_http<Q>(
    keys: &PlainKeys,
) -> impl Service<Request<Q>, Response = Response<Full<Bytes>>, Error: Debug> {
    let keys = Arc::clone(keys);
    // The layer takes the whole response as the error.
    #[allow(clippy::result_large_err)]
    let check = move |request: &mut Request<Q>| {
        admit(&keys, request).ok_or_else(|| {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
        })
    };
    ValidateRequestHeaderLayer::custom(check).layer(Handler::<Full<Bytes>>::new())
}

async fn check(
    State(keys): State<PlainKeys>,
    mut request: Request<Body>,
    next: Next,
) -> AxumResponse {
    match admit(&keys, &mut request) {
        Some(()) => next.run(request).await,
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// The check in axum's middleware, around the service itself.
pub(crate) fn axum(
    keys: &PlainKeys,
) -> impl Service<Request<Body>, Response = AxumResponse, Error = Infallible> {
    middleware::from_fn_with_state(Arc::clone(keys), check).layer(Handler::<Body>::new())
}

/// The check in axum's middleware, in a router.
pub(crate) fn axum_router(keys: &PlainKeys) -> Router {
    router().layer(middleware::from_fn_with_state(Arc::clone(keys), check))
}

pub(crate) fn router() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}
