use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa::IntoParams;

use super::Api;
use crate::json::{JsonResult, Kind, Params, Problem, ReadUsage, UsageView, json, usage};

/// The clients that a request asks for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfClients {
    /// Only this client, with its keys.
    client: Option<String>,
    /// How many of the busiest clients are listed, 10 by default.
    #[param(minimum = 1, maximum = 1000)]
    top: Option<u64>,
}

/// Sums requests by outcome
///
/// Of all clients, or of one. 404 if this service keeps no usage.
#[utoipa::path(get, path = "/usage", tag = "usage", params(OfClients, ReadUsage),
    responses((status = 200, description = "The usage", body = UsageView)))]
pub(super) async fn read_usage(State(api): State<Arc<Api>>, mut params: Params) -> JsonResult {
    let of = OfClients { client: params.text("client"), top: params.number("top", 1_000) };
    let request = ReadUsage::read(&mut params);
    params.finish()?;
    let Some(history) = &api.app.usage else {
        let detail = "This service was started without a history of usage: give it the one that the serving processes \
                      write.";
        return Err(Problem::new(Kind::NotKept, detail));
    };
    let top = of.top.and_then(|top| usize::try_from(top).ok()).unwrap_or(10);
    let usage = usage::read_usage(history, request, of.client.as_deref(), top, api.app.now()).await;
    Ok(json(StatusCode::OK, &usage?))
}
