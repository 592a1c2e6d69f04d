//! An MCP server (rmcp 3) on axum: a session belongs to the client that opened it, and challenges name the metadata of
//! the protected resource (RFC 9728).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode};
use keygate::{ApiKeyLayer, Client};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use crate::auth;

struct Tools;

impl ServerHandler for Tools {}

/// The name of the client of each session.
type Owners = Arc<Mutex<HashMap<HeaderValue, String>>>;

/// Glue: 15 lines. A session of another client is as unknown as one that never was.
async fn own(
    State(owners): State<Owners>,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let session = |headers: &HeaderMap| headers.get("mcp-session-id").cloned();
    let sent = session(request.headers());
    if let Some(sent) = &sent
        && owners.lock().unwrap().get(sent).is_none_or(|owner| owner != client.name())
    {
        return StatusCode::NOT_FOUND.into_response();
    }
    let response = next.run(request).await;
    if let (None, Some(opened)) = (sent, session(response.headers())) {
        owners.lock().unwrap().insert(opened, client.name().to_owned());
    }
    response
}

pub fn app() -> Router {
    let sessions = Arc::new(LocalSessionManager::default());
    let config = StreamableHttpServerConfig::default();
    let tools = StreamableHttpService::new(|| Ok(Tools), sessions, config);
    let metadata = "https://api.example/.well-known/oauth-protected-resource";
    let keys = auth().with_resource_metadata(metadata).expect("the address is well formed");
    Router::new()
        .nest_service("/mcp", tools)
        .layer(from_fn_with_state(Owners::default(), own))
        .layer(ApiKeyLayer::from(keys))
}
