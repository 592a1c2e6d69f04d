//! The parts that the JSON API and the self-service router share: bodies, query parameters, problem details, and
//! idempotency keys.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::secret_body;

mod body;
mod document;
mod idempotency;
mod making;
mod manage_problem;
mod new_key;
mod page;
mod params;
mod problem;
pub(crate) mod usage;
mod view;

pub(crate) use body::{Field, Fields, require_json};
pub(crate) use document::Document;
pub(crate) use idempotency::{Attempt, Idempotency};
pub(crate) use making::{Failure, IssuedKey, Made, Making, RotatedKey};
pub(crate) use new_key::{IssueKey, RotateKey};
pub(crate) use page::{Cursor, List, paged};
pub(crate) use params::{Params, Segment};
pub(crate) use problem::{Kind, Problem, ProblemDetails, Violation, etag};
pub(crate) use usage::{ReadUsage, UsageView};
pub(crate) use view::{ClientView, EventView, KeyStatusView, KeyView, quota_schema, time};

pub(crate) type JsonResult = Result<Response, Problem>;

/// Returns a response with a JSON body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    (status, Json(body)).into_response()
}

/// Returns a response with a JSON body that contains the text of a key. The body is overwritten after it was sent.
pub(crate) fn json_with_key(status: StatusCode, body: &impl Serialize) -> Response {
    match secret_body::json(body) {
        Ok(buffer) => {
            let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (status, json, secret_body::body(buffer)).into_response()
        }
        Err(_) => Problem::internal().into_response(),
    }
}

/// Adds the headers of every response: it must not be cached, and is not a page.
pub(crate) fn secure(response: &mut Response) {
    const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
}
