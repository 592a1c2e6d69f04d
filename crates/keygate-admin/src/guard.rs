//! The checks that every request passes before the router, and the headers that every response gets after it.

use std::sync::Arc;

use axum::response::Response;
use http::header::{ALLOW, COOKIE};
use http::request::Parts;
use http::{HeaderMap, Method};
use keygate::{AuthError, Client};

use crate::app::App;
use crate::error::PageError;
use crate::layout;
use crate::operator::Operator;
use crate::session;

mod headers;
mod host;
mod origin;

/// The maximum number of cookies to try. On loopback, another server on the same host may have set a cookie with the
/// same name.
const SESSIONS: usize = 4;

/// Decides whether a request reaches the router, and adds the operator to its extensions.
///
/// # Errors
///
/// Returns the reason why the request is refused.
pub(crate) async fn admit(app: &App, parts: &mut Parts) -> Result<(), PageError> {
    host::check(&app.site, parts)?;
    let area = Area::of(parts.uri.path());
    let caller = app.sign_in.caller(parts);
    let operator = match area {
        Area::Pages | Area::SignIn => operator(app, parts).await,
        Area::Assets | Area::Api => Ok(None),
    };
    let key = match &app.operators {
        Some(operators) if area == Area::Api => Some(operators.authenticate(parts).await),
        _ => None,
    };
    // Path parameters of the mounting service would otherwise count as parameters of the routes here.
    parts.extensions.clear();
    parts.extensions.insert(caller);
    if let Some(key) = key {
        parts.extensions.insert(ApiKeyOutcome(key));
    }
    let is_signed_in = match operator? {
        Some(operator) => parts.extensions.insert(operator).is_none(),
        None => false,
    };
    if !parts.method.is_safe() {
        origin::check(&app.site, &parts.headers)?;
    }
    if area == Area::Pages && !is_signed_in {
        return Err(PageError::SignedOut);
    }
    Ok(())
}

/// Renders an error page, and adds the headers that all responses have.
pub(crate) fn finish(
    app: &App,
    operator: Option<&Operator>,
    method: &Method,
    response: Response,
) -> Response {
    let error = response.extensions().get::<Arc<PageError>>().cloned();
    let mut response = match error.as_deref() {
        None => response,
        Some(PageError::SignedOut) if method.is_safe() => layout::see_other(app, "/sign-in"),
        Some(error) => {
            let mut page = error.render(app, operator);
            if let Some(allowed) = response.headers().get(ALLOW) {
                page.headers_mut().insert(ALLOW, allowed.clone());
            }
            page
        }
    };
    headers::add(response.headers_mut());
    response
}

/// The result of verifying the key of an API request. The API decides how to respond to it.
#[derive(Clone)]
pub(crate) struct ApiKeyOutcome(pub(crate) Result<Client, AuthError>);

/// Returns whether a path belongs to the API.
pub(crate) fn is_api(path: &str) -> bool {
    Area::of(path) == Area::Api
}

/// The areas of the service, which differ in who has access.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Area {
    /// The pages, for signed-in operators.
    Pages,
    /// The sign-in form, for everyone.
    SignIn,
    /// The stylesheet and the script, for everyone.
    Assets,
    /// The API, for requests with an operator's key. It ignores cookies.
    Api,
}

impl Area {
    fn of(path: &str) -> Self {
        if path == "/sign-in" {
            Self::SignIn
        } else if path.starts_with("/assets/") {
            Self::Assets
        } else if path.starts_with("/api/") {
            Self::Api
        } else {
            Self::Pages
        }
    }
}

/// Returns the operator: the user of the mounting service, or the operator of the session.
async fn operator(app: &App, parts: &Parts) -> Result<Option<Operator>, PageError> {
    if let Some(user) = app.user.as_ref().and_then(|user| user(parts)) {
        return Ok(Some(Operator::by_service(&user, app)));
    }
    for token in session_tokens(app, &parts.headers).take(SESSIONS) {
        if let Some(operator) = session::operator(app, token, &parts.headers).await? {
            return Ok(Some(operator));
        }
    }
    Ok(None)
}

/// Returns the tokens of all session cookies.
fn session_tokens<'a>(app: &'a App, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == app.site.cookie).map(|(_, token)| token)
}
