//! The state of the store, of the usage history, and of serving processes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use keygate::manage::ClientQuery;
use keygate::observe::UsageWatch;
use maud::{Markup, html};

use crate::app::App;
use crate::error::{PageResult, sentence};
use crate::health::{HealthReport, StoreFailure};
use crate::layout::{Section, page};
use crate::operator::Operator;
use crate::view::time::relative;
use crate::view::with_code;

mod processes;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/health", get(show))
}

async fn show(State(app): State<Arc<App>>, operator: Operator) -> PageResult {
    // One after the other: each of these is quick unless it fails.
    let store = store(&app).await;
    let usage = usage(&app).await;
    let processes = processes::show(&app).await;
    let body = html! { (store) (usage) (processes) };
    Ok(page(&app, &operator, "Health", Section::Health, body))
}

async fn store(app: &App) -> Markup {
    let report = match &app.health {
        Some(health) => Some(health.report().await),
        None => None,
    };
    let failure = report.as_ref().and_then(|report| report.failure.as_ref());
    let readable = app.store.clients(&ClientQuery::new().with_limit(1)).await;
    html! {
        section.card {
            h2 { "Key store" }
            @match &readable {
                Ok(_) if failure.is_some() => { p { span.badge.warn { "previous version in use" } } }
                Ok(_) => { p { span.badge.ok { "can be read" } } }
                Err(error) => { (down(&sentence(&error.to_string()))) }
            }
            @if let Some(failure) = failure { (failing(app, failure)) }
            @match &report {
                Some(report) => { (facts(app, report)) }
                None => {
                    p.muted { "The kind, location and table version are not known, because the service that mounts \
                               this page does not provide them (" code { "Admin::with_health" } ")." }
                }
            }
        }
    }
}

/// Renders the notice that the store cannot be read.
fn down(why: &str) -> Markup {
    html! {
        div.notice.bad role="alert" {
            p { strong { "The store cannot be read. " } (with_code(why)) }
            (what_still_works())
        }
    }
}

/// Lists what works without the key store.
pub(crate) fn what_still_works() -> Markup {
    html! {
        p { "Until the store is back, nothing can be looked up or changed on this page. Elsewhere:" }
        ul {
            li { "Services that read a key file continue with the keys they have loaded." }
            li { "Services with a replica of a database continue with the keys they have, up to their maximum \
                  staleness." }
            li { "Services that look up each key in the database respond with 503, and treat no key as wrong." }
            li { "The usage page still works, if usage is stored elsewhere." }
        }
    }
}

fn failing(app: &App, failure: &StoreFailure) -> Markup {
    let StoreFailure { message, since, line, column } = failure;
    html! {
        div.notice.bad role="alert" {
            p { strong { "The latest version of the file could not be loaded" }
                @if let Some(since) = since { ", since " (relative(*since, app.now())) } ". The previous keys are still in use." }
            p { (with_code(&sentence(message))) }
            @if let Some(line) = line {
                p { "Line " (line) @if let Some(column) = column { ", column " (column) } "." }
            }
        }
    }
}

fn facts(app: &App, report: &HealthReport) -> Markup {
    let HealthReport { kind, place, schema, read, failure: _, findings: _ } = report;
    html! {
        dl.facts {
            dt { "Kind" } dd { (kind) }
            @if let Some(place) = place { dt { "Location" } dd { code { (place) } } }
            dt { "Table version" }
            dd { @match schema { Some(version) => (version), None => span.muted { @if read.is_some() { "no tables" } @else { "not known" } } } }
            @if let Some(read) = read { dt { "Last read" } dd { (relative(*read, app.now())) } }
        }
    }
}

async fn usage(app: &App) -> Markup {
    let Some(usage) = &app.usage else {
        return html! { section.card { h2 { "Usage" } (super::first_steps::no_usage()) } };
    };
    let state = usage.watch().await;
    html! {
        section.card {
            h2 { "Usage" }
            @match state {
                Ok(watch) => {
                    p { span.badge.ok { "can be read" } }
                    dl.facts {
                        dt { "Written since" }
                        @match watch {
                            UsageWatch::Never => { dd { span.muted { "no service has recorded usage yet" } } }
                            UsageWatch::Current { since, .. } => { dd { (relative(since, app.now())) } }
                            UsageWatch::Ended { since, until } => {
                                dd { (relative(since, app.now())) }
                                dt { "Last written" }
                                dd { (relative(until, app.now())) span.badge.warn { "no service records usage now" } }
                            }
                        }
                    }
                }
                Err(error) => {
                    div.notice.bad role="alert" {
                        p { strong { "Usage cannot be read. " } (with_code(&sentence(&error.to_string()))) }
                        p { "You can still manage clients and keys, but their requests and last uses are not shown. \
                             Services keep their counts for at least an hour, until they can be written again." }
                    }
                }
            }
        }
    }
}
