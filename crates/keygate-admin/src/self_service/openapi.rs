use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Shared, issue, keys, usage, whoami};
use crate::json::{KeyStatusView, ProblemDetails, Violation};

/// The path of the OpenAPI document. Everyone may read it, since it reveals nothing about clients.
pub(super) const PATH: &str = "/openapi.json";

/// The parts of the document that do not come from routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Your API keys",
        description = "Manages your own API keys. Errors are problem details (RFC 9457).",
        license(name = "MIT", identifier = "MIT")
    ),
    tags(
        (name = "whoami", description = "Who you are"),
        (name = "keys", description = "Your keys"),
        (name = "usage", description = "Your requests by outcome")
    ),
    components(schemas(ProblemDetails, Violation, KeyStatusView))
)]
struct Parts;

/// Returns the routes. The document is built from the same list.
pub(super) fn router() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::with_openapi(Parts::openapi())
        .routes(routes!(whoami::show_caller))
        .routes(routes!(keys::list_keys, issue::issue_key))
        .routes(routes!(keys::show_key))
        .routes(routes!(issue::rotate_key))
        .routes(routes!(keys::revoke_key))
        .routes(routes!(usage::read_usage))
        .routes(routes!(show_document))
}

/// Shows this document
#[utoipa::path(get, path = "/openapi.json", tag = "whoami", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
async fn show_document(State(shared): State<Arc<Shared>>) -> Response {
    shared.document.response()
}
