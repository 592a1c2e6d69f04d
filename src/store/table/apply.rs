use super::directory::Node as _;
use super::{Edit, Group, MAX_ROWS, Row, Segment};
use crate::mark::Mark;

/// What becomes of the key with a prefix: this row and mark, or none.
pub(in crate::store) type Change = (u64, Option<(Row, Mark)>);

impl Edit<'_> {
    /// Makes many changes, each to another prefix and in the order of these: a segment is copied once
    /// for all that befalls it.
    pub(in crate::store) fn apply(&mut self, changes: Vec<Change>) {
        let mut changes = changes.into_iter().peekable();
        while let Some(&(prefix, _)) = changes.peek() {
            self.root.make_room(prefix);
            let mut group = Group::clone(self.root.node(prefix));
            group.make_room(prefix);
            let segment = group.node(prefix);
            let bits = segment.bits();
            // In two steps, since there may be no bits, and a shift by 64 is none.
            let slot = |prefix: u64| prefix >> 1 >> (63 - bits);
            // Digests that somebody made up may leave no room, and are taken all the same.
            let most = MAX_ROWS.max(segment.rows() + 1);

            let mut rows = Vec::with_capacity(segment.rows() + 1);
            let mut former = segment.rows_and_marks().peekable();
            let mut left = segment.rows();
            while let Some((prefix, change)) = changes
                .next_if(|(other, _)| slot(*other) == slot(prefix) && rows.len() + left < most)
            {
                while let Some((row, mark)) = former.next_if(|(row, _)| row.prefix() < prefix) {
                    rows.push((row.clone(), mark));
                    left -= 1;
                }
                if let Some((_, mark)) = former.next_if(|(row, _)| row.prefix() == prefix) {
                    left -= 1;
                    self.live -= usize::from(!mark.is_revoked());
                }
                if let Some((row, mark)) = change {
                    self.live += usize::from(!mark.is_revoked());
                    rows.push((row, mark));
                }
            }
            rows.extend(former.map(|(row, mark)| (row.clone(), mark)));
            let segment = Segment::new(bits, rows);
            group.put(prefix, segment);
            self.root.put(prefix, group);
        }
    }
}
