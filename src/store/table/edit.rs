use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Root, Row, Table};
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
    /// Adds a row; returns `false` if there is one with the same prefix.
    pub(in crate::store) fn insert(&mut self, row: Row, status: PackedStatus) -> bool {
        let prefix = row.prefix();
        let is_new = self.row(prefix).is_none();
        if is_new {
            self.apply(vec![(prefix, Some((row, status)))]);
        }
        is_new
    }

    /// Replaces the row with this prefix; returns `false` if there is none.
    pub(in crate::store) fn replace(&mut self, row: Row, status: PackedStatus) -> bool {
        let prefix = row.prefix();
        if self.row(prefix).is_none() {
            return false;
        }
        self.apply(vec![(prefix, Some((row, status)))]);
        true
    }

    fn row(&self, prefix: u64) -> Option<(&Row, PackedStatus)> {
        self.root.node(prefix).node(prefix).find(prefix)
    }

    /// Changes or removes all selected rows. A changed row keeps its digest. Visits every row of the table.
    pub(in crate::store) fn change_all(
        &mut self,
        is_selected: impl Fn(&Row) -> bool,
        change: impl Fn(&Row, PackedStatus) -> Option<(Row, PackedStatus)>,
    ) {
        // One group at a time, so that the changes take little memory.
        for group in self.root.nodes().map(Arc::clone).collect::<Vec<_>>() {
            let rows = group.nodes().flat_map(|segment| segment.rows_with_status());
            let changes = rows
                .filter(|(row, _)| is_selected(row))
                .map(|(row, status)| (row.prefix(), change(row, status)));
            self.apply(changes.collect());
        }
    }

    /// Makes the changes visible to readers.
    pub(in crate::store) fn publish(self) {
        self.table.publish(self.root);
        self.table.live.store(self.live, Ordering::Relaxed);
    }
}
