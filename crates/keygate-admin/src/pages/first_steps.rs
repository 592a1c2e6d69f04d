//! What to do first: in a store without clients, for a client without keys, and without usage.

use maud::{Markup, html};

use crate::app::App;
use crate::operator::Operator;

/// Renders the first steps for a store without clients.
pub(super) fn no_clients(app: &App, operator: &Operator) -> Markup {
    html! {
        section.empty {
            h2 { "No clients yet" }
            @if operator.may_change() {
                p { "A client is an application, a partner or a customer that calls your service. Each client has its "
                "own keys." }
                ol {
                    li { strong { "Add a client." } " Choose its name, scopes and quota." }
                    li { strong { "Issue a key." } " The key is shown once. Copy it and pass it on to the client." }
                    li { strong { "Send a request with the key." } " This page shows you how, and then shows who is calling." }
                }
                a.button.primary href=(app.url("/clients/new")) { "Add the first client" }
            } @else {
                p { "An operator with the scope “admin” can add the first client." }
            }
        }
    }
}

/// Renders the note for a client without keys.
pub(super) fn no_keys(issue: Option<&str>) -> Markup {
    html! {
        section.empty {
            p { "This client has no keys yet, so it cannot send requests." }
            @if let Some(issue) = issue { a.button.primary href=(issue) { "Issue the first key" } }
        }
    }
}

/// Renders the note that last uses and requests are not known.
pub(super) fn no_usage() -> Markup {
    html! {
        p.muted {
            "Last use and requests are not known, because this page was started without a usage history. "
            "Record usage in your service with " code { "UsageWriter" } ", and start this page with the location of the history."
        }
    }
}
