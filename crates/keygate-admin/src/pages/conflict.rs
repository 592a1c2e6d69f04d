//! Conflicts between two operators: shows what the other one changed, beside what was typed.

use std::time::SystemTime;

use keygate::ManageKeys;
use keygate::manage::{ChangeEvent, ClientInfo, EventQuery, KeyInfo};
use maud::{Markup, html};

use super::facts::{Facts, Typed};
use crate::app::App;
use crate::form::Form;
use crate::view::{changes, time};

/// A field whose values differ: when the form was opened, now, and as typed.
pub(super) struct Conflict {
    pub(super) fact: &'static str,
    pub(super) was: String,
    pub(super) now: String,
    /// `None` if the form cannot change the value.
    pub(super) typed: Option<String>,
}

/// Shows what somebody else has changed about a client since the form was opened.
pub(super) async fn of_client(
    app: &App,
    client: &ClientInfo,
    form: &Form,
    typed: &[Typed],
) -> Markup {
    let conflicts = Facts::of_client(client).conflicts(form, typed);
    let query = EventQuery::new().with_client(client.profile.name());
    let event = newest(&*app.store, query).await;
    notice("client", event.as_ref(), &conflicts, app.now())
}

/// Shows what somebody else has changed about a key since the form was opened.
pub(super) async fn of_key(app: &App, key: &KeyInfo, form: &Form, typed: &[Typed]) -> Markup {
    let conflicts = Facts::of_key(key, app.now()).conflicts(form, typed);
    let event = newest(&*app.store, EventQuery::new().with_key(key.key_id)).await;
    notice("key", event.as_ref(), &conflicts, app.now())
}

/// Returns the newest event of a query, if the store records any.
async fn newest(store: &dyn ManageKeys, query: EventQuery) -> Option<ChangeEvent> {
    let page = store.events(&query.with_limit(1)).await.ok()?;
    page.found.into_iter().next()
}

fn notice(
    thing: &str,
    event: Option<&ChangeEvent>,
    conflicts: &[Conflict],
    now: SystemTime,
) -> Markup {
    let has_input = conflicts.iter().any(|it| it.typed.is_some());
    html! {
        div.notice.warn role="alert" {
            p { strong { "Somebody else has changed the " (thing) " in the meantime." } " Your change was not saved." }
            @if let Some(event) = event {
                p {
                    "Latest change: " (changes::words(event.action))
                    @if let Some(actor) = &event.actor { " by " strong { (actor) } }
                    ", " (time::relative(event.at, now)) "."
                }
            }
        }
        @if !conflicts.is_empty() {
            div.table tabindex="0" { table.conflict {
                caption { "Differences in the " (thing) }
                thead { tr {
                    th scope="col" { "Field" }
                    th scope="col" { "When you opened the form" }
                    th scope="col" { "Now" }
                    @if has_input { th scope="col" { "Your input" } }
                } }
                tbody { @for Conflict { fact, was, now, typed } in conflicts {
                    tr {
                        th scope="row" { (fact) }
                        td { (text(was)) }
                        td { (text(now)) }
                        @if has_input { td { @if let Some(typed) = typed { (text(typed)) } } }
                    }
                } }
            } }
        }
    }
}

/// Explains the values in a form that is shown again.
pub(super) fn kept_input() -> Markup {
    html! {
        p { "In the form below, the fields that you edited have your input. All others have the stored values." }
    }
}

/// Renders a text of several lines, or a note that there is none.
pub(super) fn text(text: &str) -> Markup {
    html! {
        @if text.is_empty() { span.muted { "none" } }
        @else { @for (index, line) in text.lines().enumerate() { @if index > 0 { br; } (line) } }
    }
}
