//! The state of serving processes, from their metrics: the age of their keys and the latency of their requests.

use std::time::Duration;

use maud::{Markup, html};

use crate::app::App;
use crate::serving::{self, Latency, MetricsUrl, ServedStore, Serving};
use crate::view::time::{grouped, length};
use crate::view::with_code;

/// Renders the metrics of each address. All addresses are read concurrently.
pub(super) async fn show(app: &App) -> Markup {
    let reads = app.metrics.iter().map(|url| {
        let url = url.clone();
        tokio::spawn(async move { serving::read(&url).await })
    });
    let reads: Vec<_> = reads.collect();
    let mut read = Vec::new();
    for (url, serving) in app.metrics.iter().zip(reads) {
        let serving = serving.await;
        read.push((
            url,
            serving.unwrap_or_else(|_| Err("The address was not read. Try again.".to_owned())),
        ));
    }
    html! {
        section.card {
            h2 { "Serving processes" }
            @if read.is_empty() { (not_known()) }
            @for (url, serving) in &read { (process(url, serving)) }
        }
    }
}

fn not_known() -> Markup {
    html! {
        p.muted { "To see how old the keys in your services are, and how long their requests take, give this page \
                   the addresses of their Prometheus metrics: " code { "keygate admin --metrics URL" } ", or "
            code { "Admin::with_metrics" } "." }
    }
}

fn process(url: &MetricsUrl, serving: &Result<Serving, String>) -> Markup {
    html! {
        h3 { code { (url) } }
        @match serving {
            Err(why) => {
                div.notice.warn role="status" { p { "Not known. " (with_code(why)) } }
            }
            Ok(Serving { stores, outcomes, latency }) => {
                dl.facts {
                    @for (name, store) in stores { (served(name, store)) }
                    @if stores.is_empty() { dt { "Key age" } dd { (absent("record_store_metrics")) } }
                    dt { "Requests by outcome" }
                    dd {
                        @if outcomes.is_empty() { (absent("OutcomeMetrics")) }
                        @for (number, (outcome, count)) in outcomes.iter().enumerate() {
                            @if number > 0 { ", " } (grouped(*count)) " " code { (outcome) }
                        }
                    }
                    dt { "Request duration" }
                    dd {
                        @match latency {
                            Some(latency) => (time(latency)),
                            None => span.muted { "not known: the process does not export request durations, such as "
                                code { "http_server_request_duration_seconds" } },
                        }
                    }
                }
            }
        }
    }
}

fn served(name: &str, ServedStore { keys, age, failing }: &ServedStore) -> Markup {
    html! {
        @if let Some(keys) = keys { dt { "Keys (" (name) ")" } dd { (grouped(*keys)) } }
        @if let Some(age) = age {
            dt { "Key age (" (name) ")" }
            dd { @if age.is_finite() { "at most " (seconds(*age)) } @else { "no contact yet" } }
        }
        @match failing {
            Some(failing) if *failing > 0.0 => {
                dt { "Failing (" (name) ")" }
                dd { span.badge.bad { "for " (seconds(*failing)) } }
            }
            _ => {}
        }
    }
}

fn absent(what: &str) -> Markup {
    html! { span.muted { "not known: the process does not use " code { (what) } } }
}

fn time(Latency { metric, mean, within }: &Latency) -> Markup {
    html! {
        (millis(*mean)) " on average"
        @if let Some(within) = within { ", 99% within " (millis(*within)) }
        span.muted { " since the process started (" code { (metric) } ")" }
    }
}

fn seconds(seconds: f64) -> String {
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    if time < Duration::from_secs(1) { millis(time) } else { length(time) }
}

fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    if millis < 10.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}
