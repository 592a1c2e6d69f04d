//! What only a serving process knows, read from the address of its metrics.

mod address;
mod fetch;
mod prometheus;
mod rustls_client;

pub(crate) use address::MetricsUrl;
pub(crate) use prometheus::{Latency, ServedStore, Serving};

/// Reads the metrics of one process. The error is a sentence for people.
pub(crate) async fn read(url: &MetricsUrl) -> Result<Serving, String> {
    let text = fetch::text(url).await?;
    Serving::parse(&text).ok_or_else(|| {
        "There are no metrics of keygate at this address: let the service call `record_store_metrics`, and add \
         `OutcomeMetrics` as an observer."
            .to_owned()
    })
}
