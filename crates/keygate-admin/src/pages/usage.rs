//! Requests by outcome over time, the busiest clients, who is suddenly loud, and refusals by reason.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use keygate::observe::UsageHistory;
use maud::{Markup, html};

use crate::app::App;
use crate::error::{PageError, PageResult, sentence};
use crate::layout::{Section, page};
use crate::operator::Operator;
use crate::view::time::relative;
use crate::view::{Params, query};

mod csv;
mod loud;
mod period;
mod show;
mod totals;

use period::Period;
use totals::Shown;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/usage", get(show)).route("/usage.csv", get(download))
}

async fn show(State(app): State<Arc<App>>, operator: Operator, params: Params) -> PageResult {
    let period = Period::of(params.text("over"));
    let body = match &app.usage {
        None => turned_off(),
        Some(usage) => match body(&app, usage, period, params.text("client")).await {
            Ok(body) => body,
            Err(PageError::Usage(error)) => unreadable(&sentence(&error.to_string())),
            Err(error) => return Err(error),
        },
    };
    Ok(page(&app, &operator, "Usage", Section::Usage, body))
}

async fn body(
    app: &App,
    usage: &UsageHistory,
    period: Period,
    client: &str,
) -> Result<Markup, PageError> {
    let now = app.now();
    let shown =
        Shown::read(usage, period, Some(client).filter(|client| !client.is_empty()), now).await?;
    let loud = if client.is_empty() { Some(loud::clients(usage, now).await?) } else { None };
    let since = usage.watched_since().await?;
    Ok(html! {
        (shown.periods(app))
        div.stack id="numbers" data-refresh="30" {
        @match since {
            None => { p.muted { "No service has written its usage yet." } }
            Some(since) if since > shown.start => {
                p.notice { "Usage is known since " (relative(since, now)) ", which is later than this period begins." }
            }
            Some(_) => {}
        }
        (shown.outcomes(app))
        @if client.is_empty() { (shown.top(app)) }
        @if let Some(loud) = loud { (loud::show(app, &loud)) }
        (shown.reasons(app))
        p.muted { "Counted are requests with a key that the store knows. Missing and unknown keys have no client: the metrics of \
            the services count them." }
        }
    })
}

/// Shows the requests of one client by outcome in the last day, if they can be read.
pub(super) async fn of_client(app: &App, client: &str) -> Markup {
    let Some(usage) = &app.usage else { return html! {} };
    let shown = Shown::read(usage, Period::Day, Some(client), app.now()).await;
    html! {
        @if let Ok(shown) = shown {
            (shown.outcomes(app))
            p.muted {
                "In the last 24 hours. "
                a href={ (app.url("/usage")) (query([("client", client)])) } { "Other times, and refusals by reason" }
            }
        }
    }
}

/// Says how to turn usage on.
fn turned_off() -> Markup {
    html! {
        section.empty {
            h2 { "No usage is kept" }
            p { "This page shows who calls, how much, and what was refused, once a service keeps its usage:" }
            ol {
                li { "Let the service count, and write the counts: " code { "UsageWriter::start(&usage, &store.usage_history(state_folder()?).await?)" }
                    ". With keys in PostgreSQL, the database keeps them." }
                li { "Name the place here: " code { "keygate admin --usage /var/lib/orders/usage.db" } ", or "
                    code { "Admin::with_usage" } " in a service of yours." }
            }
            p { "Clients and keys can be managed without it." }
        }
    }
}

/// Says what still works without usage.
fn unreadable(why: &str) -> Markup {
    html! {
        div.notice.bad role="alert" {
            p { strong { "Usage cannot be read right now. " } (why) }
            p { "Clients and keys can still be managed. Services keep what they count until it can be written again, for an hour at least." }
        }
    }
}

async fn download(State(app): State<Arc<App>>, _: Operator, params: Params) -> PageResult {
    let Some(usage) = &app.usage else {
        return Err(PageError::NotFound(
            "No usage is given to this page, so that there is nothing to download.".to_owned(),
        ));
    };
    let period = Period::of(params.text("over"));
    let client = Some(params.text("client")).filter(|client| !client.is_empty());
    let shown = Shown::read(usage, period, client, app.now()).await?;
    let (name, text) = match params.text("table") {
        "" | "times" => ("times", csv::times(&shown)),
        "clients" => ("clients", csv::clients(&shown)),
        "reasons" => ("reasons", csv::reasons(&shown)),
        _ => {
            return Err(PageError::NotFound(
                "There is no such table: times, clients or reasons.".to_owned(),
            ));
        }
    };
    Ok(file(&format!("usage-{}-{name}.csv", period.word()), text))
}

fn file(name: &str, text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, text).into_response()
}
