//! axum without the layer: a function that verifies, for services that do more in it.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use keygate::{AuthError, Authenticator, Client, MemoryStore};

use crate::{WRITE, auth};

type Keys = Arc<Authenticator<MemoryStore>>;

/// Glue: 15 lines.
async fn require_key(State(keys): State<Keys>, mut request: Request, next: Next) -> Response {
    let client = match keys.verify(request.headers()) {
        Ok(client) => client,
        Err(error) => return keys.respond(&error),
    };
    keys.redact(request.headers_mut());
    request.extensions_mut().insert(client.clone());
    let mut response = next.run(request).await;
    match response.extensions().get::<AuthError>().cloned() {
        Some(error) => keys.finish_refusal(response.headers_mut(), &error),
        None => keys.finish_response(response.headers_mut(), &client),
    }
    response
}

async fn greet(Extension(client): Extension<Client>) -> String {
    format!("Hello, {}", client.name())
}

async fn order(Extension(client): Extension<Client>) -> Result<&'static str, AuthError> {
    client.require(WRITE)?;
    Ok("ordered")
}

pub fn app() -> Router {
    Router::new()
        .route("/route1", get(greet))
        .route("/orders", get(order))
        .layer(from_fn_with_state(Arc::new(auth()), require_key))
}
