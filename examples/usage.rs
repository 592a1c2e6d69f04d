//! A page for operators, which needs a scope, with the requests and refusals of each client.
//!
//! `LISTEN` in the environment replaces the address.

use std::env;
use std::error::Error;

use axum::{Json, Router, routing::get};
use keygate::{ApiKeyLayer, Authenticator, RequireScope, Usage, YamlStore};
use tokio::net::TcpListener;

/// Your own service would keep them in a file: see the example `axum`.
const KEYS: &str = "
api_keys:
    08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
    Kp3xQm7Zr1Vt9Yw5Bn2Hc8Jd4Lf6Gs0Ta-Ue_Io3Rk1: Operator
clients:
    Operator: {scopes: [usage:read]}
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Clones share their counts: the authenticator counts with one, and the page reads the other.
    let usage = Usage::new();
    let auth = Authenticator::new(KEYS.parse::<YamlStore>()?).add_observer(usage.clone());
    let app = Router::new()
        .route("/usage", get(move || async move { Json(usage.snapshot()) }))
        // Applies to the routes above it, but not to those below.
        .route_layer(RequireScope::new("usage:read")?)
        .route("/route1", get("counted\n"))
        .route_layer(ApiKeyLayer::from(auth));

    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&listen).await?;
    println!("listening on http://{}, Ctrl-C stops", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
