//! The usage page: requests by outcome over time, the busiest clients, unusually busy clients, and refusals by reason.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use keygate::observe::{UsageHistory, UsageWatch};
use maud::{Markup, html};

use crate::app::App;
use crate::error::{PageError, PageResult, sentence};
use crate::layout::{Section, page};
use crate::operator::Operator;
use crate::view::time::relative;
use crate::view::{Params, query, with_code};

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
    let (since, until) = match usage.watch().await? {
        UsageWatch::Never => return Ok(not_written()),
        UsageWatch::Current { since, .. } => (since, None),
        UsageWatch::Ended { since, until } => (since, Some(until)),
    };
    let shown =
        Shown::read(usage, period, Some(client).filter(|client| !client.is_empty()), now).await?;
    let loud = if client.is_empty() { Some(loud::clients(usage, now).await?) } else { None };
    Ok(html! {
        (shown.periods(app))
        div.stack id="numbers" data-refresh="30" {
        @if since > shown.start {
            p.notice { "Usage was first recorded " (relative(since, now)) ", so it does not cover the whole period." }
        }
        @if let Some(until) = until {
            p.notice { "No service has recorded usage since " (relative(until, now)) "." }
        }
        (shown.outcomes(app))
        @if client.is_empty() { (shown.top(app)) }
        @if let Some(loud) = loud { (loud::show(app, &loud)) }
        (shown.reasons(app))
        p.muted { "Only requests with a known key are counted here. Requests with a missing or unknown key have no \
            client; they are counted in your services’ metrics." }
        }
    })
}

/// Renders one client's requests by outcome over the last day, if they can be read.
pub(super) async fn of_client(app: &App, client: &str) -> Markup {
    let Some(usage) = &app.usage else { return html! {} };
    let Ok(UsageWatch::Current { .. }) = usage.watch().await else { return html! {} };
    let shown = Shown::read(usage, Period::Day, Some(client), app.now()).await;
    html! {
        @if let Ok(shown) = shown {
            (shown.outcomes(app))
            p.muted {
                "In the last 24 hours. "
                a href={ (app.url("/usage")) (query([("client", client)])) } { "Other periods and refusals by reason" }
            }
        }
    }
}

/// Renders how to enable usage.
fn turned_off() -> Markup {
    html! {
        section.empty {
            h2 { "Usage is not set up" }
            p { "This page shows who calls your service, how often, and which requests were refused. To set it up:" }
            ol {
                li { "Record usage in your service: " code { "UsageWriter::start(&usage, &store.usage_history(state_folder()?).await?)" }
                    ". If the keys are in PostgreSQL, usage is stored in the same database." }
                li { "Start this page with the location of the usage history: " code { "keygate admin --usage /var/lib/orders/usage.db" } ", or "
                    code { "Admin::with_usage" } " in your own service." }
            }
            p { "You can manage clients and keys without it." }
        }
    }
}

/// Renders that no service has recorded usage yet. The page is read again until one has.
fn not_written() -> Markup {
    html! {
        div.stack id="numbers" data-refresh="30" {
            section.empty {
                h2 { "No requests recorded yet" }
                p { "No service has recorded usage yet. Once one with a " code { "UsageWriter" } " for this usage history has \
                     served its first requests, they are shown here." }
            }
        }
    }
}

/// Renders the notice that usage cannot be read.
fn unreadable(why: &str) -> Markup {
    html! {
        div.notice.bad role="alert" {
            p { strong { "Usage cannot be read right now. " } (with_code(why)) }
            p { "You can still manage clients and keys. Services keep their counts for at least an hour, until they \
                 can be written again." }
        }
    }
}

async fn download(State(app): State<Arc<App>>, _: Operator, params: Params) -> PageResult {
    let Some(usage) = &app.usage else {
        return Err(PageError::NotFound(
            "This page was started without a usage history, so there is nothing to download."
                .to_owned(),
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
                "There is no such table. The tables are times, clients and reasons.".to_owned(),
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
