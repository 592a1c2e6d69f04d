//! Keys as a table.

use std::time::SystemTime;

use keygate::ClientProfile;
use keygate::manage::{Audit, KeyInfo};
use maud::{Markup, html};

use super::uses::Uses;
use crate::app::App;
use crate::view::table::Column;
use crate::view::time::{grouped, last_used, optional};
use crate::view::{badge, client_url, key_url};

/// The optional parts of the table.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    /// Whether the table has a column for the client.
    pub(super) client: bool,
    /// The usage, if it is known.
    pub(super) uses: Option<&'a Uses>,
    /// Whether each row has action buttons.
    pub(super) buttons: bool,
}

impl Columns<'_> {
    pub(super) fn heads(&self) -> Vec<Column> {
        let mut heads = vec![Column::new("Key")];
        if self.client {
            heads.push(Column::new("Client").sorted_by("client"));
        }
        heads.extend([Column::new("State"), Column::new("Scopes"), Column::new("Networks")]);
        // The keys of one client are always in the order in which they were issued.
        let sorted =
            |column: Column, word| if self.client { column.sorted_by(word) } else { column };
        heads.push(sorted(Column::new("Created"), "created"));
        if self.uses.is_some() {
            heads.extend([Column::new("Last used"), Column::new("Today").number()]);
        }
        heads.push(sorted(Column::new("Expires"), "expires"));
        if self.buttons {
            heads.push(Column::new("Actions"));
        }
        heads
    }

    pub(super) fn row(&self, app: &App, key: &KeyInfo, now: SystemTime) -> Markup {
        let id = key.key_id.to_string();
        html! {
            tr {
                th.name scope="row" {
                    a href=(key_url(app, key.key_id, "")) { (key.label.as_deref().unwrap_or(&id)) }
                    @if key.label.is_some() { small.id { (id) } }
                }
                @if self.client { td.client { a href=(client_url(app, &key.client, "")) { (key.client) } } }
                td { (badge::key(key.status(now))) }
                td.scopes {
                    @for scope in &key.scopes { span.scope { (scope.as_str()) } " " }
                    @if key.scopes.is_empty() { span.muted { "same as client" } }
                }
                td.scopes {
                    @for network in &key.networks { code { (network.to_string()) } " " }
                    @if key.networks.is_empty() { span.muted { "same as client" } }
                }
                td.nowrap { (optional(key.created, now, "not known")) }
                @if let Some(uses) = self.uses {
                    td.nowrap { (last_used(uses.last_used(key), now)) }
                    td.num { @if let Some(today) = uses.today(key.key_id) { (grouped(today)) } }
                }
                td.nowrap { (optional(key.expires(), now, "never")) }
                @if self.buttons { td { (buttons(app, key, now)) } }
            }
        }
    }
}

/// Renders the actions that are possible for a key.
pub(super) fn buttons(app: &App, key: &KeyInfo, now: SystemTime) -> Markup {
    let is_revoked = key.state == keygate::key::KeyState::Revoked;
    let name = key.label.clone().unwrap_or_else(|| key.key_id.to_string());
    html! {
        div.buttons {
            @if key.rotation_conflict(now).is_none() {
                a.button.small href=(key_url(app, key.key_id, "/rotate")) { "Rotate" span.visually-hidden { " " (name) } }
            }
            a.button.small href=(key_url(app, key.key_id, "/edit")) { "Change" span.visually-hidden { " " (name) } }
            @if !is_revoked {
                a.button.small.danger href=(key_url(app, key.key_id, "/revoke")) { "Revoke" span.visually-hidden { " " (name) } }
            }
        }
    }
}

/// Returns whether a replaced key is still used, or `None` if that is not known.
pub(super) fn is_still_used(
    key: &KeyInfo,
    uses: &Uses,
    successor: &KeyInfo,
    client: &ClientProfile,
    now: SystemTime,
) -> Option<bool> {
    let mut key = key.clone();
    key.last_used = uses.last_used(&key);
    Audit::new().with_watched(uses.watched()).is_still_used(&key, successor, client, now)
}
