//! Saved usage in snapshots.

use std::sync::atomic::Ordering;

use super::{UsageHistory, UsageQuery, UsageTotals, UsageWatch};
use crate::client::client_map::ClientKey;
use crate::clock::nanos;
use crate::observe::OutcomeKind;
use crate::observe::usage::Usage;
use crate::observe::usage::counts::Counts;
use crate::store::DatabaseError;

impl Usage {
    /// Adds the counts of a history, so that snapshots include the saved usage of all instances up to now. Rates and
    /// [`Usage::top`] only count this process.
    ///
    /// Call it once, when the service starts and before it starts a [`UsageWriter`](crate::observe::UsageWriter).
    /// Otherwise, counts of this process that a writer has saved would be added again.
    ///
    /// # Errors
    ///
    /// The history cannot be read. Nothing was added.
    pub async fn load_past(&self, history: &UsageHistory) -> Result<(), DatabaseError> {
        let last_uses = history.last_uses(None).await?;
        let keys = history.keys(&UsageQuery::new()).await?;
        for key in keys {
            let start = nanos(key.start);
            let last_seen = last_uses.time(key.key_id, &key.client).map_or(start, nanos);
            let entry = ClientKey { of: key.key_id, client: key.client.into() };
            let shard = self.shared.keys.shard(&key.key_id);
            let counts = shard.get_or_insert_with(entry, || Counts::new(last_seen));
            for (kind, count) in by_kind(&key.totals) {
                counts.add_past(kind, count, start);
            }
        }
        match last_uses.watch() {
            UsageWatch::Current { since, .. } | UsageWatch::Ended { since, .. } => {
                self.shared.past_since.fetch_min(nanos(since), Ordering::Relaxed);
            }
            UsageWatch::Never => {}
        }
        Ok(())
    }
}

/// The counts of the outcomes that this version knows.
fn by_kind(totals: &UsageTotals) -> impl Iterator<Item = (OutcomeKind, u64)> {
    OutcomeKind::ALL.iter().filter_map(|kind| {
        let count = match kind {
            OutcomeKind::Admitted => totals.requests,
            OutcomeKind::Replaced => totals.replaced,
            kind => totals.refused.get(kind.name()).copied().unwrap_or_default(),
        };
        (count > 0).then_some((*kind, count))
    })
}
