use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa::IntoParams;

use super::Api;
use crate::json::{JsonResult, Kind, Params, Problem, ReadUsage, UsageView, json, usage};

/// The clients to report.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfClients {
    /// Only this client, and each of its keys.
    client: Option<String>,
    /// The number of busiest clients to list, 10 by default.
    #[param(minimum = 1, maximum = 1000)]
    top: Option<u64>,
}

/// Sums requests by outcome
///
/// Covers all clients, or one of them. 404 if this service has no usage history.
#[utoipa::path(get, path = "/usage", tag = "usage", params(OfClients, ReadUsage),
    responses((status = 200, description = "The usage", body = UsageView)))]
pub(super) async fn read_usage(State(api): State<Arc<Api>>, mut params: Params) -> JsonResult {
    let of = OfClients { client: params.text("client"), top: params.number("top", 1_000) };
    let request = ReadUsage::read(&mut params);
    params.finish()?;
    let Some(history) = &api.app.usage else {
        let detail = "This service was started without a usage history: start it with the history to which the serving \
                      processes write.";
        return Err(Problem::new(Kind::NotKept, detail));
    };
    let top = of.top.and_then(|top| usize::try_from(top).ok()).unwrap_or(10);
    let usage = usage::read_usage(history, request, of.client.as_deref(), top, api.app.now()).await;
    Ok(json(StatusCode::OK, &usage?))
}
