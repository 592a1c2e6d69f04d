//! What to do in a store without clients, and what to do to have usage.

use maud::{Markup, html};

use crate::app::App;
use crate::operator::Operator;

/// Shows the first steps in a store without clients.
pub(super) fn no_clients(app: &App, operator: &Operator) -> Markup {
    html! {
        section.empty {
            h2 { "No clients yet" }
            @if operator.may_change() {
                p { "A client is who calls your service: an application, a partner, a customer. Each has keys of "
                    "its own." }
                ol {
                    li { strong { "Add a client." } " Give it a name, and the scopes and quota that it needs." }
                    li { strong { "Issue a key to it." } " You see the key once, and pass it on." }
                    li { strong { "Send a request with the key." } " The page says how, and shows who is calling." }
                }
                a.button.primary href=(app.url("/clients/new")) { "Add the first client" }
            } @else {
                p { "An operator with the role admin can add the first one." }
            }
        }
    }
}

/// Shows that a client has no keys.
pub(super) fn no_keys(issue: Option<&str>) -> Markup {
    html! {
        section.empty {
            p { "This client has no keys, so that no request can come from it." }
            @if let Some(issue) = issue { a.button.primary href=(issue) { "Issue the first key" } }
        }
    }
}

/// Says that last use and requests are not known here.
pub(super) fn no_usage() -> Markup {
    html! {
        p.muted {
            "Last use and requests are not known here: this page was started without usage. "
            "Let your service write it with " code { "UsageWriter" } ", and tell this page where it is kept."
        }
    }
}
