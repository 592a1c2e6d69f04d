//! Signing in and out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use keygate::{AuthError, WrongReason};
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::{PageError, PageResult};
use crate::form::{self, SignOutForm};
use crate::layout;
use crate::operator::{Operator, role_of};
use crate::session::Who;

mod code;
mod page;
mod throttle;

pub use code::SignInCode;

use code::CodeState;
use page::Problem;
use throttle::Throttle;

/// The function that returns the address that sent a request.
pub(crate) type AddressOf = Arc<dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync>;

/// The caller's address, for counting failures and for keys that are restricted to networks. The guard adds it to the
/// request's extensions.
#[derive(Clone, Copy)]
pub(crate) struct Caller(pub(crate) Option<IpAddr>);

/// Sign-in with a code or a key.
pub(crate) struct SignIn {
    code: Option<SignInCode>,
    throttle: Throttle,
    address: Option<AddressOf>,
}

impl SignIn {
    pub(crate) fn new(code: Option<SignInCode>, address: Option<AddressOf>) -> Self {
        Self { code, throttle: Throttle::default(), address }
    }

    /// Prints a new code if no code is valid.
    pub(crate) fn print_code(&self, now: SystemTime) -> CodeState {
        self.code.as_ref().map_or(CodeState::None, |code| code.renew(now))
    }

    pub(crate) fn caller(&self, parts: &Parts) -> Caller {
        Caller(self.address.as_ref().and_then(|address| address(parts)))
    }
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/sign-in", get(show).post(sign_in)).route("/sign-out", post(sign_out))
}

async fn show(State(app): State<Arc<App>>, operator: Option<Operator>) -> Response {
    if operator.is_some() {
        return layout::see_other(&app, "/clients");
    }
    let code = app.sign_in.print_code(app.now());
    page::sign_in(&app, StatusCode::OK, code, None)
}

async fn sign_in(State(app): State<Arc<App>>, request: Request) -> PageResult {
    let caller = request.extensions().get().copied().unwrap_or(Caller(None));
    let input = form::sign_in_input(request).await?;
    let now = app.now();
    let attempt = match app.sign_in.throttle.begin(caller.0, now) {
        Ok(attempt) => attempt,
        Err(wait) => return Ok(refused(&app, Problem::TooMany(wait), now)),
    };
    let who = match who(&app, &input, caller, now).await {
        Ok(who) => who,
        Err(problem) => {
            if !problem.is_failure() {
                app.sign_in.throttle.forget(attempt);
            }
            return Ok(refused(&app, problem, now));
        }
    };
    app.sign_in.throttle.forget(attempt);
    let token = app.sessions.begin(who, now).map_err(|_| PageError::NoRandomness)?;
    let mut response = layout::see_other(&app, "/clients");
    set_cookie(&mut response, &app.site.set_cookie(&token));
    Ok(response)
}

fn refused(app: &App, problem: Problem, now: SystemTime) -> Response {
    let code = app.sign_in.print_code(now);
    let mut response = page::sign_in(app, problem.status(), code, Some(problem));
    if let Problem::TooMany(wait) = problem {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// Returns the operator who typed this code or key.
async fn who(
    app: &App,
    input: &Zeroizing<String>,
    Caller(address): Caller,
    now: SystemTime,
) -> Result<Who, Problem> {
    if input.is_empty() {
        return Err(Problem::Empty);
    }
    if let Some(name) = app.sign_in.code.as_ref().and_then(|code| code.take(input, now)) {
        return Ok(Who::ByCode(name));
    }
    let Some(operators) = &app.operators else { return Err(Problem::WrongCode) };
    match operators.authenticate_key(input.as_bytes(), address).await {
        Ok(client) if role_of(&client).is_none() => Err(Problem::NoRole),
        Ok(client) => Ok(Who::ByKey(client)),
        Err(AuthError::Unavailable(_)) => Err(Problem::Unavailable),
        // Requests to the API with wrong keys count, too.
        Err(AuthError::Throttled(throttled)) => {
            Err(Problem::TooMany(Duration::from_secs(throttled.retry_after())))
        }
        // The key is known, but restricted to networks.
        Err(AuthError::Misconfigured(_)) if address.is_none() => Err(Problem::NoAddress),
        Err(error) => Err(match (error.reason(), address) {
            (Some(WrongReason::Network), Some(address)) => Problem::Elsewhere(address),
            _ => Problem::WrongKey,
        }),
    }
}

async fn sign_out(State(app): State<Arc<App>>, form: SignOutForm) -> PageResult {
    app.sessions.end(&form.token);
    let mut response = layout::see_other(&app, "/sign-in");
    set_cookie(&mut response, &app.site.set_cookie(""));
    Ok(response.into_response())
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}
