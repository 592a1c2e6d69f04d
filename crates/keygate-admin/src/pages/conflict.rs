//! Two operators at once: what the other one changed, beside what was typed.

use std::time::SystemTime;

use keygate::manage::ChangeEvent;
use maud::{Markup, html};

use crate::view::{changes, time};

/// A fact that differs: what it was when the form was opened, what it is now, and what was typed.
pub(super) struct Conflict {
    pub(super) fact: &'static str,
    pub(super) was: String,
    pub(super) now: String,
    /// `None` if the form cannot change the fact.
    pub(super) typed: Option<String>,
}

/// Shows that the client or key was changed meanwhile, by whom, and what differs.
pub(super) fn notice(
    thing: &str,
    event: Option<&ChangeEvent>,
    conflicts: &[Conflict],
    now: SystemTime,
) -> Markup {
    html! {
        div.notice.warn role="alert" {
            p { strong { "Somebody else changed the " (thing) " meanwhile." } " Your change was not made, and "
                "nothing is lost." }
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
                caption { "What differs" }
                thead { tr {
                    th scope="col" { "Fact" }
                    th scope="col" { "When you opened it" }
                    th scope="col" { "Now" }
                    @if conflicts.iter().any(|it| it.typed.is_some()) { th scope="col" { "What you typed" } }
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

/// Shows a text of several lines, or that there is none.
pub(super) fn text(text: &str) -> Markup {
    html! {
        @if text.is_empty() { span.muted { "none" } }
        @else { @for (index, line) in text.lines().enumerate() { @if index > 0 { br; } (line) } }
    }
}
