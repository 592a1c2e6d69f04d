//! axum without the layer: a middleware function that verifies, for services that do more in it.

use axum::Extension;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Response, Result};
use axum::routing::get;
use keygate::{AuthError, Authenticator, Client, MemoryStore};

use crate::{WRITE, auth};

// Glue
type Keys = State<Authenticator<MemoryStore>>;

async fn require_key(keys: Keys, mut request: Request, next: Next) -> Result<Response> {
    let verified = keys.verify(request.headers());
    let client = verified.map_err(|error| keys.respond::<String>(&error))?;
    keys.redact(request.headers_mut());
    request.extensions_mut().insert(client.clone());
    let mut response = next.run(request).await;
    match response.extensions().get::<AuthError>().cloned() {
        Some(error) => keys.finish_refusal(response.headers_mut(), &error),
        None => keys.finish_response(response.headers_mut(), &client),
    }
    Ok(response)
}
// End of glue

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
        // Glue
        .layer(from_fn_with_state(auth(), require_key))
    // End of glue
}
