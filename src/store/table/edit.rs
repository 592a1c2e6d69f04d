use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Group, Root, Row, Segment, Table};
use crate::key::PackedStatus;

/// A set of changes that readers see all at once after `publish`, or never if the edit is dropped.
///
/// The caller must hold a lock, so that there is only one edit of a table at a time.
pub(in crate::store) struct Edit<'a> {
    table: &'a Table,
    pub(super) root: Root,
    pub(super) live: usize,
}

impl Table {
    pub(in crate::store) fn edit(&self) -> Edit<'_> {
        Edit { table: self, root: Root::clone(&self.root.load()), live: self.live() }
    }

    /// Calls `each` with every row, sorted by digest.
    pub(in crate::store) fn for_each(&self, mut each: impl FnMut(&Row, PackedStatus)) {
        let root = self.root.load();
        for group in root.nodes() {
            for segment in group.nodes() {
                segment.rows_with_status().for_each(|(row, status)| each(row, status));
            }
        }
    }
}

impl Edit<'_> {
    /// Adds a row; returns false if there is one with its prefix.
    pub(in crate::store) fn insert(&mut self, row: Row, status: PackedStatus) -> bool {
        let prefix = row.prefix();
        self.root.make_room(prefix);
        let mut group = Group::clone(self.root.node(prefix));
        group.make_room(prefix);
        let segment = group.node(prefix);
        if segment.find(prefix).is_some() {
            return false;
        }
        let segment = segment.with_row(row, status);
        group.put(prefix, segment);
        self.root.put(prefix, group);
        self.live += usize::from(!status.is_revoked());
        true
    }

    /// Changes the status of the row with this prefix; returns false if there is none.
    pub(in crate::store) fn change_status(
        &mut self,
        prefix: u64,
        change: impl Fn(PackedStatus) -> PackedStatus,
    ) -> bool {
        let mut group = Group::clone(self.root.node(prefix));
        let segment = group.node(prefix);
        let Some((_, before)) = segment.find(prefix) else { return false };
        let after = change(before);
        if before != after {
            let segment = segment.with_status(prefix, &change);
            group.put(prefix, segment);
            self.root.put(prefix, group);
            self.live += usize::from(before.is_revoked());
            self.live -= usize::from(after.is_revoked());
        }
        true
    }

    /// Changes the status of all selected rows, or removes the rows. Visits every row of the table.
    pub(in crate::store) fn change_all(
        &mut self,
        is_selected: impl Fn(&Row) -> bool,
        change: impl Fn(PackedStatus) -> Option<PackedStatus>,
    ) {
        for group in self.root.nodes().map(Arc::clone).collect::<Vec<_>>() {
            let mut changed: Option<Group> = None;
            let mut prefix = 0;
            for segment in group.nodes() {
                let Some(first) = segment.rows_with_status().find(|(row, _)| is_selected(row))
                else {
                    continue;
                };
                prefix = first.0.prefix();
                let rows = segment.rows_with_status().filter_map(|(row, status)| {
                    let status = if is_selected(row) { change(status)? } else { status };
                    Some((row.clone(), status))
                });
                let segment = Segment::new(segment.bits(), rows.collect());
                changed.get_or_insert_with(|| Group::clone(&group)).put(prefix, segment);
            }
            if let Some(group) = changed {
                self.root.put(prefix, group);
            }
        }
        let live = |segment: &Arc<Segment>| {
            segment.rows_with_status().filter(|(_, status)| !status.is_revoked()).count()
        };
        self.live = self.root.nodes().flat_map(|group| group.nodes().map(live)).sum();
    }

    /// Makes the changes visible to readers.
    pub(in crate::store) fn publish(self) {
        self.table.publish(self.root);
        self.table.live.store(self.live, Ordering::Relaxed);
    }
}
