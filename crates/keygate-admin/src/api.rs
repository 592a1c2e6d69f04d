//! The JSON API: the operations of the page, for programs. Operators' keys sign in, and nothing else does.

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

/// The path of the document, which needs no key: it says nothing about the store.
const DOCUMENT: &str = "/openapi.json";

/// What all requests of the API share.
pub(crate) struct Api {
    app: Arc<App>,
    /// The keys of operators.
    operators: Arc<dyn OperatorKeys>,
    idempotency: Idempotency,
    document: Document,
}

/// Returns the routes, to be nested at `/api/v1`.
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

/// Returns the problem of a request that did not pass the guard of the page.
pub(crate) fn refused(error: &PageError) -> Problem {
    let kind = match error.status() {
        StatusCode::MISDIRECTED_REQUEST => Kind::OtherHost,
        StatusCode::FORBIDDEN => Kind::CrossOrigin,
        StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
        _ => Kind::Internal,
    };
    Problem::new(kind, error.message())
}

/// Returns the response to a request for another version, or for none.
pub(crate) fn not_found() -> Response {
    let mut response =
        Problem::new(Kind::NotFound, "There is no API at this address.").into_response();
    secure(&mut response);
    response
}

async fn no_route() -> Problem {
    Problem::new(Kind::NotFound, "The API has nothing at this address: see `openapi.json`.")
}

async fn no_method() -> Problem {
    Problem::new(Kind::Method, "This address does not support the method: see the header `Allow`.")
}

/// Finds out which operator it is, and whether the operator may change something.
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
    /// Returns the operator of a request, or none for the document.
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
            Problem::new(Kind::Forbidden, "This operator has neither the scope `admin` nor `read`.")
        })?;
        if !is_reading && !operator.may_change() {
            let detail = "This operator may only read: use the key of one with the scope `admin`.";
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

    /// Returns a handle of the managed store that records changes under the operator's name.
    fn store(&self, operator: &Operator) -> Result<Box<dyn ManageKeys>, ManageError> {
        operator.store(&self.app)
    }
}
