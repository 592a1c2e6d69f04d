//! Scopes: one that a layer requires for a route, and one that a handler requires itself.
//!
//! `LISTEN` in the environment replaces the address.

use std::env;
use std::error::Error;

use axum::extract::RawQuery;
use axum::{Router, routing::get};
use keygate::{ApiKeyLayer, AuthError, Client, RequireScope, YamlStore};
use tokio::net::TcpListener;

/// Your own service would keep them in a file: see the example `axum`.
const KEYS: &str = "
api_keys:
    08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
    ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM: User 2
    Kp3xQm7Zr1Vt9Yw5Bn2Hc8Jd4Lf6Gs0Ta-Ue_Io3Rk1: Operator
clients:
    User 1: {scopes: [orders:read]}
    Operator: {scopes: ['orders:*']}
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = Router::new()
        .route("/orders", get(orders))
        .route_layer(RequireScope::new("orders:read")?)
        .route_layer(ApiKeyLayer::new(KEYS.parse::<YamlStore>()?));

    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&listen).await?;
    println!("listening on http://{}, Ctrl-C stops", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// `/orders?all` lists the orders of every client, which needs one more scope.
async fn orders(client: Client, RawQuery(query): RawQuery) -> Result<String, AuthError> {
    if query.as_deref() == Some("all") {
        client.require("orders:all")?;
        return Ok("orders of all clients\n".to_owned());
    }
    Ok(format!("orders of {}\n", client.name()))
}
