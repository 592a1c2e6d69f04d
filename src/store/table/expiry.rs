use std::time::SystemTime;

use super::Table;
use super::segment::{Segment, Slots};
use crate::key::{KeyState, PackedStatus};

impl Table {
    /// Returns the earliest expiry after `now` of all active keys.
    pub(in crate::store) fn next_expiry(&self, now: SystemTime) -> Option<SystemTime> {
        let root = self.root.load();
        let segments = root.nodes().flat_map(|group| group.nodes());
        let statuses = segments.flat_map(|segment| segment.statuses());
        let active = statuses.filter(|status| status.state() == KeyState::Active);
        active
            .filter_map(|status| status.expires().map(SystemTime::from))
            .filter(|expires| *expires > now)
            .min()
    }
}

impl Segment {
    /// Returns the status of each row, or nothing if all are zero.
    fn statuses(&self) -> impl Iterator<Item = PackedStatus> {
        let has_status = !matches!(self.slots, Slots::Plain(_));
        let rows = has_status.then(|| self.rows_with_status());
        rows.into_iter().flatten().map(|(_, status)| status)
    }
}
