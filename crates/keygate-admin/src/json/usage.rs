use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use keygate::KeyId;
use keygate::observe::{UsageBucket, UsageHistory, UsagePoint, UsageQuery, UsageTotals};
use keygate::store::DatabaseError;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{Params, time};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The requested part of the usage history.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadUsage {
    /// The start of the period, a day ago by default.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<SystemTime>,
    /// The end of the period. Counts that begin before it are included.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<SystemTime>,
    /// The step of the series: `minute`, `hour` (the default) or `day`. Older counts are kept only by hour or by day.
    #[param(value_type = Option<String>)]
    bucket: UsageBucket,
}

impl ReadUsage {
    pub(crate) fn read(params: &mut Params) -> Self {
        let buckets = [UsageBucket::Minute, UsageBucket::Hour, UsageBucket::Day];
        let bucket = params.word("bucket", &["minute", "hour", "day"]);
        let bucket = bucket.map_or(UsageBucket::Hour, |index| buckets[index]);
        Self { since: params.time("since"), until: params.time("until"), bucket }
    }
}

/// Requests by outcome.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(crate) struct UsageView {
    /// Since when usage has been recorded; `null` if it never was, or if no service has recorded it for more than an hour.
    #[schema(format = DateTime)]
    watched_since: Option<String>,
    #[schema(format = DateTime)]
    since: String,
    /// The sums over the series.
    totals: TotalsView,
    /// The steps that have requests, the oldest first.
    series: Vec<PointView>,
    /// The clients with the most requests, the busiest first. Missing if the request names a client.
    clients: Vec<ClientUsageView>,
    /// The keys of the client. Missing if the request does not name a client.
    keys: Vec<KeyUsageView>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = UsageTotals)]
struct TotalsView {
    /// The requests with a valid key.
    requests: u64,
    /// The admitted requests whose key has been replaced by another one.
    replaced: u64,
    /// The refusals by reason.
    refused: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsagePoint)]
struct PointView {
    #[schema(format = DateTime)]
    start: String,
    /// `minute`, `hour` or `day`.
    bucket: &'static str,
    totals: TotalsView,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientUsage)]
struct ClientUsageView {
    client: String,
    totals: TotalsView,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyUsage)]
struct KeyUsageView {
    #[schema(value_type = String)]
    key_id: KeyId,
    totals: TotalsView,
}

/// Reads the usage of one client, or of all clients and the `top` busiest ones.
pub(crate) async fn read_usage(
    history: &UsageHistory,
    request: ReadUsage,
    client: Option<&str>,
    top: usize,
    now: SystemTime,
) -> Result<UsageView, DatabaseError> {
    let ReadUsage { since, until, bucket } = request;
    let since = since.unwrap_or_else(|| now.checked_sub(DAY).unwrap_or(SystemTime::UNIX_EPOCH));
    let mut query = UsageQuery::new().since(since);
    if let Some(until) = until {
        query = query.until(until);
    }
    if let Some(client) = client {
        query = query.for_client(client);
    }
    let series = history.series(&query, bucket).await?;
    let mut totals = TotalsView::default();
    for point in &series {
        totals.add(&point.totals);
    }
    let (mut clients, mut keys) = (Vec::new(), Vec::new());
    if client.is_some() {
        for key in history.keys(&query).await? {
            keys.push(KeyUsageView { key_id: key.key_id, totals: TotalsView::of(&key.totals) });
        }
    } else {
        for client in history.top(&query, top).await? {
            let totals = TotalsView::of(&client.totals);
            clients.push(ClientUsageView { client: client.client, totals });
        }
    }
    Ok(UsageView {
        watched_since: history.watched_since().await?.map(time),
        since: time(since),
        totals,
        series: series.iter().map(PointView::of).collect(),
        clients,
        keys,
    })
}

impl TotalsView {
    fn of(totals: &UsageTotals) -> Self {
        let mut view = Self::default();
        view.add(totals);
        view
    }

    fn add(&mut self, totals: &UsageTotals) {
        self.requests += totals.requests;
        self.replaced += totals.replaced;
        for (reason, count) in &totals.refused {
            *self.refused.entry(reason.clone()).or_default() += count;
        }
    }
}

impl PointView {
    fn of(point: &UsagePoint) -> Self {
        let bucket = match point.bucket {
            UsageBucket::Minute => "minute",
            UsageBucket::Hour => "hour",
            UsageBucket::Day => "day",
        };
        Self { start: time(point.start), bucket, totals: TotalsView::of(&point.totals) }
    }
}
