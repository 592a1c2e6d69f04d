use std::time::SystemTime;

use super::Table;
use super::segment::{Segment, Slots};
use crate::key::{KeyState, PackedStatus};

impl Table {
    /// When the next of the keys that work expires after this time.
    pub(in crate::store) fn next_expiry(&self, now: SystemTime) -> Option<SystemTime> {
        let root = self.root.load();
        let segments = root.nodes().flat_map(|group| group.nodes());
        let marks = segments.flat_map(|segment| segment.marks());
        let works = marks.filter(|mark| mark.state() == KeyState::Active);
        works.filter_map(PackedStatus::expires).filter(|expires| *expires > now).min()
    }
}

impl Segment {
    /// The marks, unless all are clear.
    fn marks(&self) -> impl Iterator<Item = PackedStatus> {
        let marked = !matches!(self.slots, Slots::Plain(_));
        let marked = marked.then(|| self.rows_and_marks());
        marked.into_iter().flatten().map(|(_, mark)| mark)
    }
}
