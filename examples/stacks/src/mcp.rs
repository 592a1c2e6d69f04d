//! An MCP server (rmcp 3) on axum: a session belongs to the client that opened it, challenges name the metadata of the
//! protected resource (RFC 9728), and the streams of a key end when the key no longer works.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use keygate::{ApiKeyLayer, Authenticator, Client, KeyStore};
use rmcp::model::{InitializeRequestParams, InitializeResult};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};

use crate::connections::{Connections, end_streams};

struct Tools;

impl ServerHandler for Tools {
    /// Each message contains the head of its HTTP request, including the client.
    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let head = context.extensions.get::<Parts>();
        let client = head.and_then(|head| head.extensions.get::<Client>());
        let client = client.ok_or_else(|| ErrorData::internal_error("no layer", None))?;
        context.peer.set_peer_info(request.clone());
        let result = self.negotiate_initialize(&request)?;
        Ok(result.with_instructions(format!("Hello, {}", client.name())))
    }
}

// Glue
/// The name of the client of each session.
type Owners = Arc<Mutex<HashMap<HeaderValue, String>>>;

/// A session of another client is treated like an unknown one.
async fn own(owners: State<Owners>, client: Client, request: Request, next: Next) -> Response {
    let session = |headers: &HeaderMap| headers.get("mcp-session-id").cloned();
    let name = client.name().to_owned();
    let owned = session(request.headers()).map(|id| owners.lock().unwrap().get(&id) == Some(&name));
    let (None | Some(true)) = owned else { return StatusCode::NOT_FOUND.into_response() };
    let response = next.run(request).await;
    owners.lock().unwrap().extend(session(response.headers()).map(|id| (id, name)));
    response
}
// End of glue

pub fn app<S: KeyStore + Clone>(auth: Authenticator<S>) -> Router {
    let sessions = Arc::new(LocalSessionManager::default());
    let config = StreamableHttpServerConfig::default();
    let tools = StreamableHttpService::new(|| Ok(Tools), sessions, config);
    // Glue
    let metadata = "https://api.example/.well-known/oauth-protected-resource";
    let keys = auth.with_resource_metadata(metadata).expect("the address is well formed");
    // End of glue
    let connections = Connections::default();
    tokio::spawn(connections.clone().check_twice_a_second(keys.clone()));
    Router::new()
        .nest_service("/mcp", tools)
        .layer(from_fn_with_state(connections, end_streams))
        // Glue
        .layer(from_fn_with_state(Owners::default(), own))
        .layer(ApiKeyLayer::from(keys))
    // End of glue
}
