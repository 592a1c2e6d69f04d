//! An axum service with all layers in order: quotas for each client, and pages that show who calls most.
//!
//! `/orders` needs a scope and counts against the quota; a request without the scope is not counted. `/usage` and
//! `/top` are for the operator. `LISTEN` in the environment replaces the address.

use std::env;
use std::error::Error;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::{Json, Router, routing::get};
use keygate::client::ClientAddress;
use keygate::limit::FailureThrottle;
use keygate::{
    ApiKeyLayer, Authenticator, RequireScope, Throttle, ThrottleLayer, Usage, YamlStore,
};
use tokio::net::TcpListener;
use tower_http::cors::CorsLayer;

/// Your own service would keep them in a file: see the example `axum`.
const KEYS: &str = "
api_keys:
    08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1
    ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM: User 2
    Wg1vaDs8uqFbYtNDsJ8H3gKjl_oI0T_O6Jg8qNLWJcU: App 1
    Kp3xQm7Zr1Vt9Yw5Bn2Hc8Jd4Lf6Gs0Ta-Ue_Io3Rk1: Operator
clients:
    User 1: {scopes: [orders:read], quota: {rate: 60/minute, burst: 10}}
    User 2: {scopes: [orders:read], quota: 100/second}
    App 1: {scopes: ['orders:*'], quota: [1000/second, 1000000/day]}
    Operator: {scopes: [usage:read]}
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&listen).await?;
    println!("listening on http://{}, Ctrl-C stops", listener.local_addr()?);
    // Wrong keys are counted by the address of the caller.
    let app = app()?.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}

/// Each layer wraps the ones added before it.
fn app() -> Result<Router, Box<dyn Error>> {
    let usage = Usage::new();
    let address = ClientAddress::by_peer(|peer: &ConnectInfo<SocketAddr>| peer.0.ip());
    let auth = Authenticator::new(KEYS.parse::<YamlStore>()?)
        .add_observer(usage.clone())
        .with_client_address(address)
        .throttle_failures(FailureThrottle::new());

    let orders = Router::new()
        .route("/orders", get("none\n"))
        .route_layer(ThrottleLayer::new(Throttle::new()))
        .route_layer(RequireScope::new("orders:read")?);
    let top = usage.clone();
    let operator = Router::new()
        .route("/usage", get(move || async move { Json(usage.snapshot()) }))
        .route("/top", get(move || async move { Json(top.top(3)) }))
        .route_layer(RequireScope::new("usage:read")?);
    Ok(orders
        .merge(operator)
        .route_layer(ApiKeyLayer::from(auth))
        // Outermost: it also responds to preflight requests, which carry no key, and adds its headers to refusals.
        .layer(CorsLayer::permissive()))
}
