//! Clients that are unusually busy, compared with their own last week.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::observe::{ClientSeries, UsageBucket, UsageHistory, UsageQuery};
use keygate::store::DatabaseError;
use maud::{Markup, html};

use crate::app::App;
use crate::view::client_url;
use crate::view::time::{DAY, HOUR, MINUTE, grouped};

/// The number of busiest clients of the last hour that are compared with their own week.
const COMPARED: usize = 50;

/// The minimum number of requests in the last hour.
const LEAST: u64 = 100;

/// The factor by which the last hour must exceed the busiest hour of the week before.
const TIMES: u64 = 2;

const RULE: &str = "A client is unusually busy if it sent at least 100 requests in the last 60 minutes, and more \
                    than twice as many as in its busiest hour in the week before. Only the 50 busiest clients of \
                    the last 60 minutes are compared.";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loud {
    client: String,
    /// The requests in the last 60 minutes.
    now: u64,
    /// The requests in the busiest hour of the week before.
    before: u64,
}

/// Finds the unusually busy clients, the busiest first.
pub(super) async fn clients(
    usage: &UsageHistory,
    now: SystemTime,
) -> Result<Vec<Loud>, DatabaseError> {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 60 * 60;
    let hour = UNIX_EPOCH + Duration::from_secs(since) + MINUTE - HOUR;
    let busiest = usage.top(&UsageQuery::new().since(hour), COMPARED).await?;
    let busiest = busiest.into_iter().map(|client| (client.client, client.totals.requests));
    let busiest: Vec<_> = busiest.filter(|(_, requests)| *requests >= LEAST).collect();
    let week = UsageQuery::new().since(hour - 7 * DAY).until(hour);
    let week = week.for_clients(busiest.iter().map(|(client, _)| client));
    Ok(louder_than(&usage.series_by_client(&week, UsageBucket::Hour).await?, busiest))
}

fn louder_than(week: &[ClientSeries], busiest: Vec<(String, u64)>) -> Vec<Loud> {
    let busiest_hour =
        |client: &ClientSeries| client.points.iter().map(|hour| hour.totals.requests).max();
    let week = week.iter().filter_map(|client| Some((&*client.client, busiest_hour(client)?)));
    let week: HashMap<_, _> = week.collect();
    let loud = busiest.into_iter().map(|(client, now)| {
        let before = week.get(&*client).copied().unwrap_or_default();
        Loud { client, now, before }
    });
    loud.filter(|loud| loud.now >= LEAST && loud.now > TIMES * loud.before).collect()
}

pub(super) fn show(app: &App, loud: &[Loud]) -> Markup {
    html! {
        section.card {
            h2 { "Unusually busy" }
            p.muted { (RULE) }
            @if loud.is_empty() {
                p { "No client is unusually busy." }
            } @else {
                div.table { table {
                    caption.visually-hidden { "Unusually busy clients" }
                    thead { tr {
                        th scope="col" { "Client" }
                        th.num scope="col" { "Last 60 minutes" }
                        th.num scope="col" { "Busiest hour in the week before" }
                    } }
                    tbody {
                        @for Loud { client, now, before } in loud {
                            tr {
                                th scope="row" { a href=(client_url(app, client, "")) { (client) } }
                                td.num { (grouped(*now)) }
                                td.num { @if *before == 0 { span.muted { "no requests" } } @else { (grouped(*before)) } }
                            }
                        }
                    }
                } }
            }
        }
    }
}
