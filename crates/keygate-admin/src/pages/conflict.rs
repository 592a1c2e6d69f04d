//! Conflicts between two operators: shows what the other one changed, beside what was typed.

use std::time::SystemTime;

use keygate::manage::ChangeEvent;
use maud::{Markup, html};

use crate::view::{changes, time};

/// A field whose values differ: when the form was opened, now, and as typed.
pub(super) struct Conflict {
    pub(super) fact: &'static str,
    pub(super) was: String,
    pub(super) now: String,
    /// `None` if the form cannot change the value.
    pub(super) typed: Option<String>,
}

/// Shows that the client or key has changed since the form was opened, who changed it, and what differs.
pub(super) fn notice(
    thing: &str,
    event: Option<&ChangeEvent>,
    conflicts: &[Conflict],
    now: SystemTime,
) -> Markup {
    html! {
        div.notice.warn role="alert" {
            p { strong { "Somebody else has changed the " (thing) " in the meantime." } " Your change was not saved. "
            "Your input is still here." }
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
                caption { "Differences" }
                thead { tr {
                    th scope="col" { "Field" }
                    th scope="col" { "When you opened the form" }
                    th scope="col" { "Now" }
                    @if conflicts.iter().any(|it| it.typed.is_some()) { th scope="col" { "Your input" } }
                } }
                tbody { @for Conflict { fact, was, now, typed } in conflicts {
                    tr {
                        th scope="row" { (fact) }
                        td { (text(was)) }
                        td { (text(now)) }
                        @if let Some(typed) = typed { td { (text(typed)) } }
                    }
                } }
            } }
        }
    }
}

/// Renders a text of several lines, or a note that there is none.
pub(super) fn text(text: &str) -> Markup {
    html! {
        @if text.is_empty() { span.muted { "none" } }
        @else { @for (index, line) in text.lines().enumerate() { @if index > 0 { br; } (line) } }
    }
}
