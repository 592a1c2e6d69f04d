use std::net::IpAddr;
use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use maud::html;

use super::code::CodeState;
use crate::app::App;
use crate::layout;

/// The reason why a sign-in failed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Problem {
    Empty,
    WrongCode,
    WrongKey,
    NoRole,
    /// The key is restricted to networks that do not contain this address.
    Elsewhere(IpAddr),
    /// The key is restricted to networks or needs TLS, but the caller's address is not known.
    NoAddress,
    Unavailable,
    TooMany(Duration),
}

impl Problem {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Empty => StatusCode::UNPROCESSABLE_ENTITY,
            Self::WrongCode
            | Self::WrongKey
            | Self::NoRole
            | Self::Elsewhere(_)
            | Self::NoAddress => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// Returns whether the problem counts as a failed attempt. A throttled key does, since it was also tried as a code.
    pub(super) fn is_failure(self) -> bool {
        match self {
            Self::WrongCode
            | Self::WrongKey
            | Self::NoRole
            | Self::Elsewhere(_)
            | Self::TooMany(_) => true,
            Self::Empty | Self::NoAddress | Self::Unavailable => false,
        }
    }

    fn text(self) -> String {
        let text = match self {
            Self::Empty => "Enter the code or your key.",
            Self::WrongCode => {
                "This is not the current code. Each code works once, for ten minutes. Use the last one that was \
                 printed."
            }
            Self::WrongKey => {
                "This key is not valid here. Use an operator's key. Keys of the managed clients cannot be used to \
                 sign in."
            }
            Self::NoRole => {
                "This key is valid, but its client has neither the scope “admin” nor “read”. Ask for one of these \
                 scopes."
            }
            Self::Elsewhere(address) => {
                return format!(
                    "This key works only from certain networks, and your address {address} is in none of them. Sign in \
                     from there, or with another key."
                );
            }
            Self::NoAddress => {
                "This key works only from certain networks, but this page does not know your address. \
                 Sign in with another key."
            }
            Self::Unavailable => {
                "The operators' store cannot be read right now, so nobody can sign in with a key. Try again."
            }
            Self::TooMany(wait) => {
                let seconds = wait.as_secs().max(1);
                return format!("Too many wrong attempts. Try again in {seconds} seconds.");
            }
        };
        text.to_owned()
    }
}

/// Renders the form, with the problem of the last attempt. The earlier input is not shown again.
pub(super) fn sign_in(
    app: &App,
    status: StatusCode,
    code: CodeState,
    problem: Option<Problem>,
) -> Response {
    let by_key = app.operators.is_some();
    let label = match (code, by_key) {
        (CodeState::None, _) => "Your key",
        (_, false) => "Sign-in code",
        (_, true) => "Sign-in code or your key",
    };
    // A code is copied from a terminal and may be seen; a key must be hidden from people nearby.
    let (kind, autocomplete) =
        if by_key { ("password", "current-password") } else { ("text", "one-time-code") };
    let described_by = if problem.is_some() { "problem hint" } else { "hint" };
    let body = html! {
        @if code == CodeState::None && !by_key {
            p { "Sign in to the service that this page belongs to, with an account that can manage keys." }
        } @else {
            form .narrow method="post" action=(app.url("/sign-in")) {
                @if let Some(problem) = problem {
                    p #problem .notice.bad role="alert" { (problem.text()) }
                }
                div .field {
                    label for="code" { (label) }
                    input #code name="code" type=(kind) autocomplete=(autocomplete) autocapitalize="none"
                        spellcheck="false" required autofocus maxlength="4096" aria-describedby=(described_by)
                        aria-invalid=[problem.map(|_| "true")];
                    p #hint .hint { (hint(code, by_key)) }
                }
                div .actions { button .button.primary type="submit" { "Sign in" } }
            }
            p .muted {
                "Already signed in? "
                a href=(app.url("/clients")) { "Continue to clients" } "."
            }
        }
    };
    layout::signed_out(app, status, "Sign in", body)
}

fn hint(code: CodeState, by_key: bool) -> String {
    let code = match code {
        CodeState::None => String::new(),
        CodeState::Printed => {
            "Find the code in the terminal of this process, after “Sign-in code:”. It works once."
                .to_owned()
        }
        CodeState::Later(wait) => {
            let seconds = wait.as_secs() + 1;
            format!(
                "The last code was used. Open this page again in {seconds} seconds to have a new one printed."
            )
        }
    };
    let key = match (by_key, code.is_empty()) {
        (false, _) => "",
        (true, true) => "Use an operator's key.",
        (true, false) => "Or use an operator's key.",
    };
    [code.as_str(), key].join(" ").trim().to_owned()
}
