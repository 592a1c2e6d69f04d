use std::net::IpAddr;
use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use maud::html;

use super::code::CodeState;
use crate::app::App;
use crate::layout;

/// Why nobody was signed in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Problem {
    Empty,
    WrongCode,
    WrongKey,
    NoRole,
    /// The key is restricted to networks that this address is not in.
    Elsewhere(IpAddr),
    /// The key is restricted to networks, or needs TLS, and nothing says where the request came from.
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

    /// Returns whether it counts towards the limit of failures.
    pub(super) fn is_failure(self) -> bool {
        matches!(self, Self::WrongCode | Self::WrongKey | Self::NoRole | Self::Elsewhere(_))
    }

    fn text(self) -> String {
        let text = match self {
            Self::Empty => "Type the code or your key.",
            Self::WrongCode => {
                "This is not the current code. A code works once, and for ten minutes: use the last one that was printed."
            }
            Self::WrongKey => {
                "This key is not valid here. Use a key of an operator: keys of the managed clients do not sign in."
            }
            Self::NoRole => {
                "This key is valid, but its client has neither the scope “admin” nor “read”. Ask for one of them."
            }
            Self::Elsewhere(address) => {
                return format!(
                    "This key works from certain networks alone, and your address {address} is in none of them. Sign in \
                     from there, or with another key."
                );
            }
            Self::NoAddress => {
                "This key works from certain networks alone, and this page does not know which address you come from. \
                 Sign in with another key."
            }
            Self::Unavailable => {
                "The operators cannot be read right now, so nobody can sign in with a key. Try again."
            }
            Self::TooMany(wait) => {
                let seconds = wait.as_secs().max(1);
                return format!(
                    "Too many wrong attempts. Nothing is looked at for {seconds} seconds: try again then."
                );
            }
        };
        text.to_owned()
    }
}

/// The form, with what was wrong with the last attempt. What was typed is not shown again.
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
    // A code is read from a terminal and typed; a key must not be seen over a shoulder.
    let (kind, autocomplete) =
        if by_key { ("password", "current-password") } else { ("text", "one-time-code") };
    let described_by = if problem.is_some() { "problem hint" } else { "hint" };
    let body = html! {
        @if code == CodeState::None && !by_key {
            p { "Sign in to the service that this page belongs to, with an account that may manage keys." }
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
                "Signed in already? "
                a href=(app.url("/clients")) { "Continue to the clients" } "."
            }
        }
    };
    layout::signed_out(app, status, "Sign in", body)
}

fn hint(code: CodeState, by_key: bool) -> String {
    let code = match code {
        CodeState::None => String::new(),
        CodeState::Printed => {
            "The code is in the terminal of this process, after “Sign-in code:”. It works once."
                .to_owned()
        }
        CodeState::Later(wait) => {
            let seconds = wait.as_secs() + 1;
            format!(
                "The last code was used. Open this page again in {seconds} seconds: then another one is printed."
            )
        }
    };
    let key = if by_key { "Keys are those of operators." } else { "" };
    [code.as_str(), key].join(" ").trim().to_owned()
}
