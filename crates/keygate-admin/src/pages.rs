//! The pages of signed-in operators: clients, keys and events, key safety, usage and health.
//!
//! A `GET` shows a page or explains a change. A `POST` makes the change and redirects to a page that confirms it. The
//! exception is the response with a new key, which is shown once (`reveal.rs`). Start with `clients.rs`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use keygate::client::ProfileError;
use keygate::manage::{KeyError, ManageError};
use maud::{Markup, html};

use crate::app::App;
use crate::error::{PageError, PageResult, status_of};
use crate::layout::see_other;
use crate::operator::Operator;
use crate::view::field::Errors;

mod client;
mod client_form;
mod client_list;
mod client_state;
mod client_uses;
mod clients;
mod conflict;
mod edit_client;
mod edit_key;
mod events;
mod facts;
mod first_steps;
pub(crate) mod health;
mod issue;
mod key;
mod key_form;
mod key_table;
mod keys;
mod lifetime;
pub(crate) mod nonce;
mod reveal;
mod revoke;
mod rotate;
pub(crate) mod safety;
mod texts;
mod unreadable_key;
mod usage;
mod uses;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home))
        .route("/clients", get(clients::show))
        .route("/clients/new", get(client_form::show).post(client_form::send))
        .route("/clients/{name}", get(client::show))
        .route("/clients/{name}/edit", get(edit_client::show).post(edit_client::send))
        .route(
            "/clients/{name}/disable",
            get(client_state::disable).post(client_state::send_disable),
        )
        .route("/clients/{name}/enable", get(client_state::enable).post(client_state::send_enable))
        .route("/clients/{name}/remove", get(client_state::remove).post(client_state::send_remove))
        .route("/clients/{name}/keys/new", get(issue::show).post(issue::send))
        .route("/keys", get(keys::show))
        .route("/keys/{id}", get(key::show))
        .route("/keys/{id}/edit", get(edit_key::show).post(edit_key::send))
        .route("/keys/{id}/rotate", get(rotate::show).post(rotate::send))
        .route("/keys/{id}/revoke", get(revoke::show).post(revoke::send))
        .route("/events", get(events::show))
        .merge(safety::routes())
        .merge(usage::routes())
        .merge(health::routes())
}

async fn home(State(app): State<Arc<App>>) -> PageResult {
    Ok(see_other(&app, "/clients"))
}

/// Refuses form pages to operators who may only read.
fn must_change(operator: &Operator) -> Result<(), PageError> {
    if operator.may_change() {
        return Ok(());
    }
    Err(PageError::ReadOnlyOperator)
}

/// Returns the errors to show in a form after the store refused its change, and the status of the response.
///
/// # Errors
///
/// Fails if the client or key does not exist, since there is no form to show then.
fn refusal(error: ManageError) -> Result<(StatusCode, Errors), PageError> {
    let status = status_of(&error);
    let field = match &error {
        ManageError::UnknownClient { .. } | ManageError::UnknownKey { .. } => {
            return Err(error.into());
        }
        ManageError::Unavailable(_) => {
            let message = format!("{error}. Your input is still here: try again.");
            return Ok((status, Errors::failure(message)));
        }
        ManageError::ClientExists { .. }
        | ManageError::Key(KeyError::Profile(ProfileError::Name(_))) => "name",
        ManageError::Key(KeyError::Profile(ProfileError::Title(_))) => "title",
        ManageError::Key(KeyError::Profile(_)) => "metadata",
        ManageError::Label(_) => "label",
        ManageError::LacksScope { .. } => "scopes",
        ManageError::LacksNetwork { .. } => "networks",
        ManageError::ExpiryPassed
        | ManageError::NeverValid
        | ManageError::Policy(_)
        | ManageError::Key(KeyError::Expiry(_)) => "lifetime",
        _ => "",
    };
    Ok((status, Errors::one(field, error)))
}

/// Renders the confirmation of a change. `word` comes from the URL, so unknown words show nothing.
fn done(word: &str) -> Markup {
    let text = match word {
        "added" => "The client was added. It has no keys yet. Issue the first one.",
        "changed" => "The client was changed.",
        "disabled" => "The client was disabled. Its keys are refused from now on.",
        "enabled" => "The client was enabled. Its keys work again.",
        "removed" => "The client and its keys were removed.",
        "key-changed" => "The key was changed.",
        "revoked" => "The key was revoked.",
        _ => return html! {},
    };
    html! { div.notice.ok role="status" { p { (text) } } }
}
