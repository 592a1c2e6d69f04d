use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Api, clients, events, health, issue, keys, usage};
use crate::json::{KeyStatusView, ProblemDetails, Violation};

/// The parts of the document that do not come from routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "keygate",
        description = "Manages the clients and API keys of a service. Errors are problem details (RFC 9457).",
        license(name = "MIT", identifier = "MIT")
    ),
    tags(
        (name = "clients", description = "The callers of the service"),
        (name = "keys", description = "Their keys"),
        (name = "usage", description = "Requests by outcome"),
        (name = "events", description = "Recorded changes"),
        (name = "health", description = "The store")
    ),
    components(schemas(ProblemDetails, Violation, KeyStatusView))
)]
struct Parts;

/// Returns the routes. The document is built from the same list.
pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(Parts::openapi())
        .routes(routes!(clients::list_clients, clients::add_client))
        .routes(routes!(clients::show_client, clients::change_client, clients::remove_client))
        .routes(routes!(clients::enable_client))
        .routes(routes!(clients::disable_client))
        .routes(routes!(issue::issue_key))
        .routes(routes!(keys::list_keys))
        .routes(routes!(keys::show_key, keys::change_key))
        .routes(routes!(keys::revoke_key))
        .routes(routes!(issue::rotate_key))
        .routes(routes!(usage::read_usage))
        .routes(routes!(events::list_events))
        .routes(routes!(health::show_health))
        .routes(routes!(show_document))
}

/// Shows this document
///
/// This request needs no key.
#[utoipa::path(get, path = "/openapi.json", tag = "health", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
async fn show_document(State(api): State<Arc<Api>>) -> Response {
    api.document.response()
}
