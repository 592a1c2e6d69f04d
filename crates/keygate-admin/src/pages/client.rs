//! The page of a client: its details, its keys, and its changes.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use keygate::manage::{ClientInfo, EventQuery, KeyQuery};
use maud::{Markup, html};

use super::events::{self, LATEST, Of};
use super::key_form;
use super::key_table::Columns;
use super::uses::Uses;
use super::{done, first_steps, usage};
use crate::app::App;
use crate::error::PageResult;
use crate::layout::{Section, page_with};
use crate::operator::Operator;
use crate::view::table::{ListAddress, unreadable};
use crate::view::{ClientName, Params, badge, client_url, paging};

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    ClientName(name): ClientName,
    params: Params,
) -> PageResult {
    let client = app.store.find_client(&name).await?;
    let (store, query) = (&app.store, KeyQuery::new().with_client(&name));
    let after = paging::start(&params, |before| {
        let back = query.clone().descending().after(before);
        async move { store.keys(&back).await }
    })
    .await?;
    let keys = store.keys(&if after.is_empty() { query } else { query.after(&after) }).await?;
    let uses = Uses::of_client(&app, &name).await;
    let columns = Columns {
        client: false,
        uses: Some(&uses).filter(|uses| uses.is_known()),
        buttons: operator.may_change(),
    };
    let latest = EventQuery::new().with_client(&name).with_limit(LATEST);
    let (url, now) = (client_url(&app, &name, ""), app.now());
    let issue = client_url(&app, &name, "/keys/new");
    let address = ListAddress { path: &url, filters: Vec::new(), sort: "", has_previous: true };
    let is_empty = keys.found.is_empty() && keys.unreadable.is_empty() && after.is_empty();
    let body = html! {
        @if operator.may_change() { (actions(&app, &client)) }
        (done(params.text("done")))
        (facts(&client))
        section {
            h2 { "Keys" }
            (unreadable(&app, &keys.unreadable))
            @if is_empty {
                (first_steps::no_keys(operator.may_change().then_some(&issue)))
            } @else {
                div.table { table {
                    caption.visually-hidden { "Keys of this client" }
                    (address.head(&columns.heads()))
                    tbody { @for key in &keys.found { (columns.row(&app, key, now)) } }
                } }
                (address.pager(&after, keys.next.as_deref()))
                (uses.why_unknown(now))
            }
        }
        (usage::of_client(&app, &name).await)
        section {
            h2 { "Changes" }
            (events::latest(&app, &latest, Of::Client, &crate::view::query([("client", &*name)])).await)
        }
    };
    let title = client.profile.title().unwrap_or(&name);
    Ok(page_with(StatusCode::OK, &app, &operator, title, Section::Clients, body))
}

fn actions(app: &App, client: &ClientInfo) -> Markup {
    let url = |below| client_url(app, client.profile.name(), below);
    html! {
        div.actions {
            a.button.primary href=(url("/keys/new")) { "Issue a key" }
            a.button href=(url("/edit")) { "Change" }
            @if client.enabled { a.button.danger href=(url("/disable")) { "Disable" } }
            @else {
                a.button href=(url("/enable")) { "Enable" }
                a.button.danger href=(url("/remove")) { "Remove" }
            }
        }
    }
}

fn facts(client: &ClientInfo) -> Markup {
    let profile = &client.profile;
    html! {
        dl.facts {
            dt { "Name" } dd { (profile.name()) }
            dt { "State" }
            dd {
                (badge::client(client.enabled))
                @if !client.enabled { " All its keys are refused." }
            }
            dt { "Scopes" }
            dd {
                @for scope in profile.scopes() { span.scope { (scope.as_str()) } " " }
                @if profile.scopes().is_empty() { span.muted { "none" } }
            }
            dt { "Quota" }
            dd {
                @match profile.quota() {
                    Some(quota) => { (quota.to_string()) }
                    None => { span.muted { "the service’s default" } }
                }
            }
            dt { "Networks" } dd { (key_form::networks(profile, profile.networks())) }
            @if !profile.metadata().is_empty() {
                dt { "Metadata" }
                dd { @for (name, value) in profile.metadata() { div { (name) ": " (value) } } }
            }
        }
    }
}
