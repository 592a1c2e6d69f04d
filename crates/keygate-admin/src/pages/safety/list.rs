use keygate::manage::AuditFinding;
use maud::{Markup, html};

use super::{Card, Safety};
use crate::app::App;
use crate::error::sentence;
use crate::view::time::{grouped, last_used, optional};
use crate::view::{client_url, key_url, with_code};

/// The number of rows on a page.
const ROWS: usize = 100;

/// Renders the findings of a card, on pages that are numbered from 1.
pub(super) fn show(app: &App, safety: &Safety, card: &Card, page: &str) -> Markup {
    let found: Vec<_> = safety.of(card).collect();
    let pages = found.len().div_ceil(ROWS).max(1);
    let page = page.parse::<usize>().unwrap_or(1).clamp(1, pages);
    let shown = found.chunks(ROWS).nth(page - 1).unwrap_or_default();
    html! {
        @if found.is_empty() {
            p.empty { "No findings." }
        } @else {
            p.muted { (grouped(found.len() as u64)) " found" @if pages > 1 { ", page " (page) " of " (pages) } "." }
            div.table { table {
                caption.visually-hidden { (card.title) }
                @if card.of_keys { (keys(app, safety, shown)) } @else { (others(app, shown)) }
            } }
            (pager(app, card, page, pages))
        }
    }
}

fn keys(app: &App, safety: &Safety, found: &[&AuditFinding]) -> Markup {
    let now = app.now();
    let keys = found.iter().filter_map(|finding| safety.keys.get(&finding.key_id?));
    html! {
        thead { tr {
            @for heading in ["Key", "Client", "Created", "Last used", "Expires"] { th scope="col" { (heading) } }
        } }
        tbody {
            @for key in keys {
                tr {
                    th.name scope="row" {
                        a href=(key_url(app, key.key_id, "")) { (key.label.as_deref().unwrap_or("no label")) }
                        small.id { (key.key_id) }
                    }
                    td.client { a href=(client_url(app, &key.client, "")) { (key.client) } }
                    td { (optional(key.created, now, "not known")) }
                    td { (last_used(key.last_used, now)) }
                    td { (optional(key.expires(), now, "never")) }
                }
            }
        }
    }
}

fn others(app: &App, found: &[&AuditFinding]) -> Markup {
    html! {
        thead { tr { th scope="col" { "Where" } th scope="col" { "Finding" } } }
        tbody {
            @for finding in found {
                tr {
                    th scope="row" {
                        @if let Some(client) = &finding.client { a href=(client_url(app, client, "")) { (client) } }
                        @if let Some(place) = &finding.place { code { (place) } }
                    }
                    td { (with_code(&sentence(&finding.message()))) }
                }
            }
        }
    }
}

fn pager(app: &App, card: &Card, page: usize, pages: usize) -> Markup {
    let address = |page: usize| app.url(&format!("/safety/{}?page={page}", card.path));
    html! {
        @if pages > 1 {
            nav.pager aria-label="Pages" {
                @if page > 1 { a rel="prev" href=(address(page - 1)) { "Previous page" } }
                @if page < pages { a rel="next" href=(address(page + 1)) { "Next page" } }
            }
        }
    }
}
