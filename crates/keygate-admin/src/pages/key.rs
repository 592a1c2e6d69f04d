//! The page of a key: its details, its usage, and its changes.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use keygate::ClientProfile;
use keygate::manage::{EventQuery, KeyInfo};
use maud::{Markup, html};

use super::events::{self, LATEST, Of};
use super::key_table::{buttons, is_still_used};
use super::revoke::named;
use super::uses::Uses;
use super::{done, key_form, unreadable_key};
use crate::app::App;
use crate::error::PageResult;
use crate::layout::{Section, page_with};
use crate::operator::Operator;
use crate::view::time::optional;
use crate::view::{KeyIdInPath, Params, badge, client_url, key_url, query};

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    KeyIdInPath(key_id): KeyIdInPath,
    params: Params,
) -> PageResult {
    let key = match unreadable_key::find(&app, &operator, key_id).await? {
        Ok(key) => key,
        Err(unreadable) => return Ok(unreadable),
    };
    let client = app.store.find_client(&key.client).await?;
    let (profile, now) = (&client.profile, app.now());
    let uses = Uses::of_client(&app, &key.client).await;
    let id = key_id.to_string();
    let latest = EventQuery::new().with_key(key_id).with_limit(LATEST);
    let body = html! {
        @if operator.may_change() { (buttons(&app, &key, now)) }
        (done(params.text("done")))
        dl.facts {
            dt { "Key ID" } dd { code.id { (id) } }
            dt { "Client" }
            dd { a href=(client_url(&app, profile.name(), "")) { (profile.title().unwrap_or(profile.name())) } }
            dt { "State" } dd { (badge::key(key.status(now))) }
            dt { "Scopes" } dd { (key_form::scopes(profile, &key.scopes)) }
            dt { "Networks" } dd { (key_form::networks(profile, &key.networks)) }
            dt { "Created" } dd { (optional(key.created, now, "not known")) }
            @if key.not_before().is_some() {
                dt { "Works from" } dd { (optional(key.not_before(), now, "")) }
            }
            dt { "Expires" } dd { (optional(key.expires(), now, "never")) }
            @if key.revoked.is_some() { dt { "Revoked" } dd { (optional(key.revoked, now, "")) } }
        }
        (replaced(&app, profile, &key, &uses).await)
        section { h2 { "Usage" } (uses.of_key(&key, now)) }
        section {
            h2 { "Changes" }
            (events::latest(&app, &latest, Of::Key, &query([("key", &*id)])).await)
        }
    };
    Ok(page_with(StatusCode::OK, &app, &operator, &named(&key), Section::Clients, body))
}

/// Renders which key replaces this one, and whether this one is still used.
async fn replaced(app: &App, client: &ClientProfile, key: &KeyInfo, uses: &Uses) -> Markup {
    let Some(successor) = key.replaced_by else { return html! {} };
    let new = app.store.find_key(&successor).await.ok();
    let still = new.as_ref().and_then(|new| is_still_used(key, uses, new, client, app.now()));
    html! {
        div.notice.warn[still == Some(true)] role="status" {
            p {
                "Replaced by key " a href=(key_url(app, successor, "")) { code.id { (successor.to_string()) } } "."
                @match still {
                    Some(true) => { " " strong { "It is still in use." } " The client has not switched to the new key yet." }
                    Some(false) => { " It has not been used since its successor began to work. Revoke it if nothing needs it." }
                    None => {}
                }
            }
        }
    }
}
