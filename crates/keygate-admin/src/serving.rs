//! The state of serving processes, read from their metrics addresses.

mod address;
mod fetch;
mod prometheus;
mod rustls_client;

pub(crate) use address::MetricsUrl;
pub(crate) use prometheus::{Latency, ServedStore, Serving};

/// Reads the metrics of one process. The error is a sentence to show on the page.
pub(crate) async fn read(url: &MetricsUrl) -> Result<Serving, String> {
    let text = fetch::text(url).await?;
    Serving::parse(&text).ok_or_else(|| {
        "This address has no keygate metrics. The service must call `record_store_metrics` and add `OutcomeMetrics` \
         as an observer."
            .to_owned()
    })
}
