use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;

use super::{Caller, Shared};
use crate::json::{JsonResult, Kind, Params, Problem, ReadUsage, UsageView, json, usage};

/// Sums your requests by outcome
///
/// 404 if this service has no usage history.
#[utoipa::path(get, path = "/usage", tag = "usage", params(ReadUsage),
    responses((status = 200, description = "The usage", body = UsageView)))]
pub(super) async fn read_usage(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
) -> JsonResult {
    let request = ReadUsage::read(&mut params);
    params.finish()?;
    let Some(history) = &shared.settings.usage else {
        return Err(Problem::new(Kind::NotKept, "This service has no usage history."));
    };
    let usage = usage::read_usage(history, request, Some(caller.client()), 0, shared.now()).await?;
    Ok(json(StatusCode::OK, &usage))
}
