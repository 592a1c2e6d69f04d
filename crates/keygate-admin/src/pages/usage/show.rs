//! The sections of the usage page.

use maud::{Markup, html};

use super::period::Period;
use super::totals::{Outcomes, Shown};
use crate::app::App;
use crate::plot::{self, Bar, Series};
use crate::view::time::{grouped, utc};
use crate::view::{client_url, query};

const SERIES: [Series; 3] = [
    Series { name: "served", class: "ok" },
    Series { name: "throttled", class: "warn" },
    Series { name: "refused", class: "bad" },
];

impl Shown {
    fn address(&self, app: &App, path: &str, over: Period, table: &str) -> String {
        let client = self.client.as_deref().unwrap_or_default();
        app.url(path) + &query([("over", over.word()), ("client", client), ("table", table)])
    }

    /// Renders the links to the periods.
    pub(super) fn periods(&self, app: &App) -> Markup {
        html! {
            nav.periods aria-label="Period" {
                ul {
                    @for period in Period::ALL {
                        li {
                            a href=(self.address(app, "/usage", period, "")) aria-current=[(period == self.period).then_some("page")] {
                                (period.heading())
                            }
                        }
                    }
                }
            }
            @if let Some(client) = &self.client {
                p { "Only " a href=(client_url(app, client, "")) { (client) } ". "
                    a href=(app.url("/usage") + &query([("over", self.period.word())])) { "Show all clients" } }
            }
        }
    }

    /// Renders requests by outcome: the sums, the plot and a table of its values.
    pub(super) fn outcomes(&self, app: &App) -> Markup {
        let bar = |(start, outcomes): &(_, Outcomes)| Bar {
            label: self.period.label(*start),
            values: outcomes.values().to_vec(),
        };
        let bars: Vec<_> = self.rows.iter().map(bar).collect();
        let title = format!("Requests by outcome, {}", self.period.heading().to_lowercase());
        html! {
            section.card {
                h2 { "Requests by outcome" }
                p { (sums(self.total())) }
                (plot::bars("outcomes", &title, &SERIES, &bars))
                details {
                    summary { "Values as a table" }
                    div.table tabindex="0" { table {
                        caption.visually-hidden { (title) }
                        (head("Start (UTC)"))
                        tbody {
                            @for (start, outcomes) in &self.rows {
                                tr { th scope="row" { (utc(*start).trim_end_matches(":00 UTC")) } (values(*outcomes)) }
                            }
                        }
                    } }
                }
                (self.download(app, "times"))
            }
        }
    }

    /// Renders the clients with the most requests.
    pub(super) fn top(&self, app: &App) -> Markup {
        html! {
            section.card {
                h2 { "Top clients" }
                @if self.top.is_empty() {
                    p { "No requests in this period." }
                } @else {
                    div.table { table {
                        caption.visually-hidden { "The clients with the most requests" }
                        (head("Client"))
                        tbody {
                            @for client in &self.top {
                                tr {
                                    th scope="row" { a href=(client_url(app, &client.client, "")) { (client.client) } }
                                    (values(Outcomes::of(&client.totals)))
                                }
                            }
                        }
                    } }
                    (self.download(app, "clients"))
                }
            }
        }
    }

    /// Renders refusals by reason, the most frequent first.
    pub(super) fn reasons(&self, app: &App) -> Markup {
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by(|(one, few), (other, many)| many.cmp(few).then(one.cmp(other)));
        html! {
            section.card {
                h2 { "Refusals by reason" }
                @if reasons.is_empty() {
                    p { "No requests were refused in this period." }
                } @else {
                    div.table tabindex="0" { table {
                        caption.visually-hidden { "Refusals by reason" }
                        thead { tr { th scope="col" { "Reason" } th.num scope="col" { "Requests" } } }
                        tbody {
                            @for (reason, count) in reasons {
                                tr { th scope="row" { (words(reason)) } td.num { (grouped(*count)) } }
                            }
                        }
                    } }
                    (self.download(app, "reasons"))
                }
            }
        }
    }

    fn download(&self, app: &App, table: &str) -> Markup {
        html! {
            p { a href=(self.address(app, "/usage.csv", self.period, table)) download {
                "Download as CSV" span.visually-hidden { ": " (table) }
            } }
        }
    }
}

fn sums(total: Outcomes) -> Markup {
    let refused = total.throttled + total.refused;
    html! {
        strong { (grouped(total.sum())) } " requests"
        @if refused > 0 { ", of which " (grouped(total.throttled)) " over the quota and " (grouped(total.refused)) " refused" }
        "."
    }
}

fn head(first: &str) -> Markup {
    html! {
        thead { tr {
            th scope="col" { (first) }
            @for heading in ["Served", "Throttled", "Refused"] { th.num scope="col" { (heading) } }
        } }
    }
}

fn values(outcomes: Outcomes) -> Markup {
    html! { @for value in outcomes.values() { td.num { (grouped(value)) } } }
}

/// Returns the text for an outcome. An outcome of a newer version is shown by its name.
fn words(outcome: &str) -> String {
    match outcome {
        "insufficient_scope" => "missing scope".to_owned(),
        "throttled" => "over the quota".to_owned(),
        "too_many_failures" => "too many wrong keys from the same address".to_owned(),
        "network" => "network not allowed".to_owned(),
        "disabled" => "client disabled".to_owned(),
        "unavailable" => "quota counters unavailable".to_owned(),
        other => other.replace('_', " "),
    }
}
