use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Conflict, Group, Root, Row, Segment, Table};
use crate::key::PackedStatus;

/// Several changes to a table that readers see at once, or never if it is dropped.
///
/// Edits must come one after the other: the caller holds a lock from the first step to the last.
pub(in crate::store) struct Edit<'a> {
    table: &'a Table,
    pub(super) root: Root,
    pub(super) live: usize,
}

impl Table {
    pub(in crate::store) fn edit(&self) -> Edit<'_> {
        Edit { table: self, root: Root::clone(&self.root.load()), live: self.live() }
    }

    /// Calls `each` with every row, in the order of their digests.
    pub(in crate::store) fn for_each(&self, mut each: impl FnMut(&Row, PackedStatus)) {
        let root = self.root.load();
        for group in root.nodes() {
            for segment in group.nodes() {
                segment.rows_and_marks().for_each(|(row, mark)| each(row, mark));
            }
        }
    }
}

impl Edit<'_> {
    /// Adds a row.
    pub(in crate::store) fn insert(
        &mut self,
        row: Row,
        mark: PackedStatus,
    ) -> Result<(), Conflict> {
        let prefix = row.prefix();
        self.root.make_room(prefix);
        let mut group = Group::clone(self.root.node(prefix));
        group.make_room(prefix);
        let segment = group.node(prefix);
        if let Some((known, _)) = segment.find(prefix) {
            let same = known.digest == row.digest;
            return Err(if same { Conflict::SameKey } else { Conflict::SameId });
        }
        let segment = segment.with_row(row, mark);
        group.put(prefix, segment);
        self.root.put(prefix, group);
        self.live += usize::from(!mark.is_revoked());
        Ok(())
    }

    /// Changes the mark of the key with this prefix, if it is here.
    pub(in crate::store) fn change_mark(
        &mut self,
        prefix: u64,
        change: impl Fn(PackedStatus) -> PackedStatus,
    ) -> bool {
        let mut group = Group::clone(self.root.node(prefix));
        let segment = group.node(prefix);
        let Some((_, before)) = segment.find(prefix) else { return false };
        let after = change(before);
        if before != after {
            let segment = segment.with_mark(prefix, &change);
            group.put(prefix, segment);
            self.root.put(prefix, group);
            self.live += usize::from(before.is_revoked());
            self.live -= usize::from(after.is_revoked());
        }
        true
    }

    /// Changes the mark of each row of a kind, or removes the row. Looks at all rows.
    pub(in crate::store) fn change_all(
        &mut self,
        is_meant: impl Fn(&Row) -> bool,
        change: impl Fn(PackedStatus) -> Option<PackedStatus>,
    ) {
        for group in self.root.nodes().map(Arc::clone).collect::<Vec<_>>() {
            let mut changed: Option<Group> = None;
            let mut prefix = 0;
            for segment in group.nodes() {
                let Some(first) = segment.rows_and_marks().find(|(row, _)| is_meant(row)) else {
                    continue;
                };
                prefix = first.0.prefix();
                let rows = segment.rows_and_marks().filter_map(|(row, mark)| {
                    let mark = if is_meant(row) { change(mark)? } else { mark };
                    Some((row.clone(), mark))
                });
                let segment = Segment::new(segment.bits(), rows.collect());
                changed.get_or_insert_with(|| Group::clone(&group)).put(prefix, segment);
            }
            if let Some(group) = changed {
                self.root.put(prefix, group);
            }
        }
        let live = |segment: &Arc<Segment>| {
            segment.rows_and_marks().filter(|(_, mark)| !mark.is_revoked()).count()
        };
        self.live = self.root.nodes().flat_map(|group| group.nodes().map(live)).sum();
    }

    /// Shows the changes to readers.
    pub(in crate::store) fn publish(self) {
        self.table.publish(self.root);
        self.table.live.store(self.live, Ordering::Relaxed);
    }
}
