use std::collections::BTreeMap;
use std::time::SystemTime;

use keygate::observe::{ClientTotals, UsageHistory, UsagePoint, UsageQuery, UsageTotals};
use keygate::store::DatabaseError;

use super::period::Period;

/// The number of clients in the list of the busiest.
const TOP: usize = 10;

/// The numbers of a period that the page shows.
pub(super) struct Shown {
    pub(super) period: Period,
    /// The only client to show, if there is one.
    pub(super) client: Option<String>,
    pub(super) start: SystemTime,
    /// One row for each bar, even if it has no requests.
    pub(super) rows: Vec<(SystemTime, Outcomes)>,
    pub(super) top: Vec<ClientTotals>,
    /// Refusals by outcome.
    pub(super) reasons: BTreeMap<String, u64>,
}

/// Requests by outcome. Each request is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub(super) served: u64,
    pub(super) throttled: u64,
    pub(super) refused: u64,
}

/// Refusals of requests that were already counted as admitted.
const LATER: [&str; 3] = ["throttled", "insufficient_scope", "unavailable"];

impl Outcomes {
    pub(super) fn of(totals: &UsageTotals) -> Self {
        let refused = |outcome: &str| totals.refused.get(outcome).copied().unwrap_or_default();
        let later = LATER.iter().map(|outcome| refused(outcome)).sum();
        let throttled = refused("throttled");
        Self {
            served: totals.requests.saturating_sub(later),
            throttled,
            refused: totals.refusals() - throttled,
        }
    }

    fn add(&mut self, other: Self) {
        self.served += other.served;
        self.throttled += other.throttled;
        self.refused += other.refused;
    }

    pub(super) fn sum(self) -> u64 {
        self.served + self.throttled + self.refused
    }

    pub(super) fn values(self) -> [u64; 3] {
        [self.served, self.throttled, self.refused]
    }
}

impl Shown {
    pub(super) async fn read(
        usage: &UsageHistory,
        period: Period,
        client: Option<&str>,
        now: SystemTime,
    ) -> Result<Self, DatabaseError> {
        let starts = period.starts(now);
        let start = starts[0];
        let query = UsageQuery::new().since(start);
        let query = client.into_iter().fold(query, UsageQuery::for_client);
        let points = usage.series(&query, period.bucket()).await?;
        let top = usage.top(&query, TOP).await?;
        let mut reasons = BTreeMap::new();
        for (outcome, count) in points.iter().flat_map(|point| &point.totals.refused) {
            *reasons.entry(outcome.clone()).or_default() += count;
        }
        let rows = rows(&starts, &points);
        Ok(Self { period, client: client.map(str::to_owned), start, rows, top, reasons })
    }

    pub(super) fn total(&self) -> Outcomes {
        let mut total = Outcomes::default();
        self.rows.iter().for_each(|(_, outcomes)| total.add(*outcomes));
        total
    }
}

/// Adds each point to its bar. Points that cover more than one bar, or lie in the future because of another machine's
/// clock, are added to the nearest bar.
fn rows(starts: &[SystemTime], points: &[UsagePoint]) -> Vec<(SystemTime, Outcomes)> {
    let mut rows: Vec<_> = starts.iter().map(|start| (*start, Outcomes::default())).collect();
    for point in points {
        let behind = starts.partition_point(|start| *start <= point.start);
        rows[behind.saturating_sub(1)].1.add(Outcomes::of(&point.totals));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_that_was_refused_later_counts_once() {
        let mut totals = UsageTotals::default();
        totals.requests = 100;
        for (outcome, count) in [("throttled", 20), ("insufficient_scope", 5), ("expired", 3)] {
            totals.refused.insert(outcome.to_owned(), count);
        }
        let outcomes = Outcomes::of(&totals);
        assert_eq!(outcomes, Outcomes { served: 75, throttled: 20, refused: 8 });
        assert_eq!(outcomes.sum(), 103);
    }
}
