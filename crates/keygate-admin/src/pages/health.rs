//! The state of the store, of the usage, and of serving processes as far as it is known here.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use keygate::manage::ClientQuery;
use maud::{Markup, html};

use crate::app::App;
use crate::error::{PageResult, sentence};
use crate::health::{HealthReport, StoreFailure};
use crate::layout::{Section, page};
use crate::operator::Operator;
use crate::view::time::{optional, relative};

mod processes;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/health", get(show))
}

async fn show(State(app): State<Arc<App>>, operator: Operator) -> PageResult {
    // One after the other takes as long as the slowest part only if it fails, which is when somebody waits here.
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
    let readable = app.store.clients(&ClientQuery::new().with_limit(1)).await;
    html! {
        section.card {
            h2 { "Store of keys" }
            @match &readable {
                Ok(_) => { p { span.badge.ok { "can be read" } } }
                Err(error) => { (down(&sentence(&error.to_string()))) }
            }
            @if let Some(failure) = report.as_ref().and_then(|report| report.failure.as_ref()) { (failing(app, failure)) }
            @match &report {
                Some(report) => { (facts(app, report)) }
                None => {
                    p.muted { "Its kind, its place and the version of its tables are not known here: the service that mounts this \
                        page has not passed them on (" code { "Admin::with_health" } ")." }
                }
            }
        }
    }
}

/// Says what still works without the store.
fn down(why: &str) -> Markup {
    html! {
        div.notice.bad role="alert" {
            p { strong { "The store cannot be read. " } (why) }
            (what_still_works())
        }
    }
}

/// Says what does not need the store of keys.
pub(crate) fn what_still_works() -> Markup {
    html! {
        p { "Nothing can be looked up or changed on this page until it is back. What still works:" }
        ul {
            li { "Services with the keys of a file go on with those that they have loaded." }
            li { "Replicas of a database go on with the keys that they hold, for as long as their maximum staleness allows." }
            li { "Services that look up each key in the database answer 503, and no key as wrong." }
            li { "The page on usage, if usage is kept elsewhere." }
        }
    }
}

fn failing(app: &App, failure: &StoreFailure) -> Markup {
    let StoreFailure { message, since, line, column } = failure;
    html! {
        div.notice.bad role="alert" {
            p { strong { "The latest content was not loaded" }
                @if let Some(since) = since { ", since " (relative(*since, app.now())) } ". The keys from before are still in use." }
            p { (sentence(message)) }
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
            @if let Some(place) = place { dt { "Place" } dd { code { (place) } } }
            dt { "Version of its tables" }
            dd { @match schema { Some(version) => (version), None => span.muted { @if read.is_some() { "it has none" } @else { "not known here" } } } }
            @if let Some(read) = read { dt { "Last read" } dd { (relative(*read, app.now())) } }
        }
    }
}

async fn usage(app: &App) -> Markup {
    let Some(usage) = &app.usage else {
        return html! { section.card { h2 { "Usage" } (super::first_steps::no_usage()) } };
    };
    let state = usage.watched_since().await;
    html! {
        section.card {
            h2 { "Usage" }
            @match state {
                Ok(since) => {
                    p { span.badge.ok { "can be read" } }
                    dl.facts { dt { "Written since" } dd { (optional(since, app.now(), "no service has written it yet")) } }
                }
                Err(error) => {
                    div.notice.bad role="alert" {
                        p { strong { "Usage cannot be read. " } (sentence(&error.to_string())) }
                        p { "Clients and keys can still be managed, without their requests and last uses. Services keep what they \
                            count until it can be written, for an hour at least." }
                    }
                }
            }
        }
    }
}
