//! Revoking a key, with a confirmation that shows the effect and the key's recent use.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use keygate::key::KeyState;
use keygate::manage::{KeyInfo, ManageError, Version};
use maud::{Markup, html};

use super::conflict;
use super::facts::Facts;
use super::uses::Uses;
use super::{must_change, refusal, unreadable_key};
use crate::app::App;
use crate::error::PageResult;
use crate::form::{self, Form};
use crate::layout::{Section, page_with, see_other};
use crate::operator::Operator;
use crate::view::field::{Errors, hidden};
use crate::view::time::{counted, optional};
use crate::view::{KeyIdInPath, client_url, key_url};

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    KeyIdInPath(key_id): KeyIdInPath,
) -> PageResult {
    must_change(&operator)?;
    let key = match unreadable_key::find(&app, &operator, key_id).await? {
        Ok(key) => key,
        Err(unreadable) => return Ok(unreadable),
    };
    confirm(StatusCode::OK, &app, &operator, &key, &html! {}, &Errors::default()).await
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    operator: Operator,
    KeyIdInPath(key_id): KeyIdInPath,
    form: Form,
) -> PageResult {
    if form.text("unreadable") == "yes" {
        return unreadable_key::revoke(&app, &operator, key_id).await;
    }
    let Ok(version) = form.text("version").parse::<Version>() else {
        let key = app.store.find_key(&key_id).await?;
        return changed(&app, &operator, &key, &form).await;
    };
    let store = operator.store(&app)?.if_version(version);
    match store.revoke(&key_id).await {
        Ok(_) => Ok(see_other(&app, &format!("/keys/{key_id}?done=revoked"))),
        Err(ManageError::KeyChanged { current }) => changed(&app, &operator, &current, &form).await,
        Err(error) => {
            let (status, errors) = refusal(error)?;
            let key = app.store.find_key(&key_id).await?;
            confirm(status, &app, &operator, &key, &html! {}, &errors).await
        }
    }
}

/// Asks for confirmation again, since the key has changed since it was shown.
async fn changed(app: &App, operator: &Operator, key: &KeyInfo, form: &Form) -> PageResult {
    let notice = conflict::of_key(app, key, form, &[]).await;
    confirm(StatusCode::CONFLICT, app, operator, key, &notice, &Errors::default()).await
}

async fn confirm(
    status: StatusCode,
    app: &App,
    operator: &Operator,
    key: &KeyInfo,
    notice: &Markup,
    errors: &Errors,
) -> PageResult {
    let now = app.now();
    let url = key_url(app, key.key_id, "");
    let body = if key.state == KeyState::Revoked {
        html! {
            (notice) (errors.summary())
            p { "This key was already revoked, " (optional(key.revoked, now, "at an unknown time")) "." }
            div.actions { a.button href=(url) { "Back to the key" } }
        }
    } else {
        let uses = Uses::of_client(app, &key.client).await;
        html! {
            (notice)
            (errors.summary())
            p {
                (counted(1, "key")) " of " a href=(client_url(app, &key.client, "")) { (key.client) } " will be "
                    "refused from the next request on. "
                    "This cannot be undone. No other key changes."
            }
            dl.facts {
                dt { "Key ID" } dd { code.id { (key.key_id.to_string()) } }
                dt { "Label" } dd { (key.label.as_deref().unwrap_or("none")) }
                dt { "State" } dd { (crate::view::badge::key(key.status(now))) }
                dt { "Expires" } dd { (optional(key.expires(), now, "never")) }
            }
            section {
                h2 { "Who will notice" }
                (uses.of_key(key, now))
            }
            @if key.rotation_conflict(now).is_none() {
                @let rotate = key_url(app, key.key_id, "/rotate");
                p { "If the client must keep working, " a href=(rotate) { "rotate the key" } " instead." }
            }
            form method="post" action=(key_url(app, key.key_id, "/revoke")) {
                (form::csrf(operator))
                (hidden("version", &key.version().to_string()))
                (Facts::of_key(key, now).hidden())
                div.actions {
                    button.button.danger.primary type="submit" { "Revoke the key" }
                    a.button.quiet href=(url) { "Cancel" }
                }
            }
        }
    };
    let title = format!("Revoke {}", named(key));
    Ok(page_with(status, app, operator, &title, Section::Clients, body))
}

/// Returns the label of a key, or its ID.
pub(super) fn named(key: &KeyInfo) -> String {
    key.label.clone().unwrap_or_else(|| key.key_id.to_string())
}
