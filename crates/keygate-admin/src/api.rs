//! The JSON API: the operations of the page, for programs. Only operators' keys authenticate its requests.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{Extensions, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use keygate::manage::ManageError;
use keygate::{AuthError, ManageKeys};

use crate::app::App;
use crate::error::PageError;
use crate::guard::ApiKeyOutcome;
use crate::json::{Document, Idempotency, Kind, Problem, secure};
use crate::operator::{Operator, OperatorKeys};

mod clients;
mod events;
mod health;
mod issue;
mod keys;
mod openapi;
mod precondition;
mod usage;

/// The path of the OpenAPI document. It needs no key, since it reveals nothing about the store.
const DOCUMENT: &str = "/openapi.json";

/// The state shared by all requests to the API.
pub(crate) struct Api {
    app: Arc<App>,
    /// The keys of operators.
    operators: Arc<dyn OperatorKeys>,
    idempotency: Idempotency,
    document: Document,
}

/// Returns the routes, to be nested under `/api/v1`.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(
    app: &Arc<App>,
    operators: &Arc<dyn OperatorKeys>,
) -> Router<S> {
    let (router, document) = openapi::router().split_for_parts();
    let document = Document::new(&document, &app.url("/api/v1"), &operators.security_schemes());
    let (app, operators) = (app.clone(), operators.clone());
    let api = Arc::new(Api { app, operators, idempotency: Idempotency::default(), document });
    router
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(api.clone(), guard))
        .with_state(api)
}

/// Returns the problem for a request that the guard refused.
pub(crate) fn refused(error: &PageError) -> Problem {
    let kind = match error.status() {
        StatusCode::MISDIRECTED_REQUEST => Kind::OtherHost,
        StatusCode::FORBIDDEN => Kind::CrossOrigin,
        StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
        _ => Kind::Internal,
    };
    Problem::new(kind, error.message())
}

/// Returns the response to a request for an unknown API version, or without a version.
pub(crate) fn not_found() -> Response {
    let mut response =
        Problem::new(Kind::NotFound, "There is no API at this address.").into_response();
    secure(&mut response);
    response
}

async fn no_route() -> Problem {
    Problem::new(
        Kind::NotFound,
        "This address is not part of the API: `openapi.json` lists all of them.",
    )
}

async fn no_method() -> Problem {
    Problem::new(
        Kind::Method,
        "This address does not support the method: the `Allow` header lists those it supports.",
    )
}

/// Authenticates the operator, and checks whether the operator may make changes.
async fn guard(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let mut response = match api.admit(&request) {
        Ok(operator) => {
            request.extensions_mut().extend(operator);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    secure(&mut response);
    response
}

impl Api {
    /// Returns extensions with the operator of a request, or empty ones for the OpenAPI document.
    fn admit(&self, request: &Request) -> Result<Extensions, Problem> {
        let mut extensions = Extensions::new();
        let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_reading && request.uri().path() == DOCUMENT {
            return Ok(extensions);
        }
        let Some(ApiKeyOutcome(outcome)) = request.extensions().get() else {
            return Err(Problem::internal());
        };
        let client = outcome.as_ref().map_err(|error| self.refusal(error))?;
        let operator = Operator::by_key(client).ok_or_else(|| {
            Problem::new(
                Kind::Forbidden,
                "This operator has neither the scope `admin` nor the scope `read`.",
            )
        })?;
        if !is_reading && !operator.may_change() {
            let detail =
                "This operator may only read: use the key of an operator with the scope `admin`.";
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        extensions.insert(operator);
        Ok(extensions)
    }

    fn refusal(&self, error: &AuthError) -> Problem {
        let kind = match error.status().as_u16() {
            401 => Kind::Credentials,
            403 => Kind::Forbidden,
            429 => Kind::Throttled,
            503 => Kind::Unavailable,
            _ => Kind::Internal,
        };
        let headers = self.operators.refusal_headers(error);
        let names = headers.keys().filter(|name| *name != CACHE_CONTROL);
        names.fold(Problem::new(kind, error.to_string()), |problem, name| {
            problem.with_lines(name, &headers)
        })
    }

    /// Returns a handle to the managed store that records changes under the operator's name.
    fn store(&self, operator: &Operator) -> Result<Box<dyn ManageKeys>, ManageError> {
        operator.store(&self.app)
    }
}
