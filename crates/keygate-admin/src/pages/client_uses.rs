//! The last use and the requests of the clients on a page.

use std::collections::HashMap;
use std::time::SystemTime;

use keygate::manage::ClientInfo;
use keygate::observe::{UsageBucket, UsageHistory, UsageQuery};
use keygate::store::DatabaseError;

use super::uses::start_of_day;
use crate::view::time::HOUR;

/// The number of hours in a sparkline.
pub(super) const HOURS: u32 = 24;

/// The usage of one client.
#[derive(Default)]
pub(super) struct ClientUse {
    pub(super) last: Option<SystemTime>,
    pub(super) today: u64,
    /// The requests in each of the last [`HOURS`] hours, the oldest first.
    pub(super) hours: Vec<u64>,
}

/// The usage of clients, by name.
pub(super) type Uses = HashMap<String, ClientUse>;

/// Reads the usage of these clients.
pub(super) async fn of(
    usage: &UsageHistory,
    clients: &[ClientInfo],
    now: SystemTime,
) -> Result<Uses, DatabaseError> {
    let names = || clients.iter().map(|client| client.profile.name());
    let mut uses = Uses::new();
    for used in usage.last_uses_of(names()).await? {
        uses.entry(used.client).or_default().last = Some(used.time);
    }
    let today = start_of_day(now);
    let hour = start_of_hour(now);
    // The current day in UTC never began before these hours.
    let first = hour - (HOURS - 1) * HOUR;
    let query = UsageQuery::new().for_clients(names()).since(first);
    for series in usage.series_by_client(&query, UsageBucket::Hour).await? {
        let client = uses.entry(series.client).or_default();
        client.hours = vec![0; HOURS as usize];
        for point in series.points {
            let requests = point.totals.requests;
            if point.start >= today {
                client.today += requests;
            }
            let since = point.start.duration_since(first).unwrap_or_default();
            let index = usize::try_from(since.as_secs() / HOUR.as_secs()).unwrap_or(usize::MAX);
            if let Some(hour) = client.hours.get_mut(index) {
                *hour += requests;
            }
        }
    }
    Ok(uses)
}

fn start_of_hour(now: SystemTime) -> SystemTime {
    let day = start_of_day(now);
    let since = now.duration_since(day).unwrap_or_default().as_secs();
    day + HOUR * u32::try_from(since / HOUR.as_secs()).unwrap_or_default()
}
