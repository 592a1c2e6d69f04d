use super::directory::Node as _;
use super::edit::Edit;
use super::{Group, MAX_ROWS, Row, Segment};
use crate::key::PackedStatus;

/// The new row and status of the key with a prefix; `None` removes it.
pub(in crate::store) type Change = (u64, Option<(Row, PackedStatus)>);

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use crate::client::ClientProfile;
    use crate::key::{KeyDigest, PackedStatus};
    use crate::store::table::{Row, Table};

    fn row(prefix: u64) -> Row {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&prefix.to_be_bytes());
        Row { digest: KeyDigest::from_bytes(bytes), profile: ClientProfile::new("User 1") }
    }

    /// Some spread evenly, some crowded at either end, as of digests that somebody made up.
    fn prefix() -> impl Strategy<Value = u64> {
        prop_oneof![4 => any::<u64>(), 1 => 0..900_u64, 1 => (0..900_u64).prop_map(|end| !end)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn changed_tables_agree_with_a_map(
            batches in proptest::collection::vec(
                proptest::collection::btree_map(prefix(), proptest::option::of(any::<bool>()), 0..1000),
                1..5,
            ),
        ) {
            let mark = |revoked: bool| if revoked { PackedStatus::CLEAR.revoked() } else { PackedStatus::CLEAR };
            let (table, mut model) = (Table::new(), BTreeMap::new());
            for batch in batches {
                let mut edit = table.edit();
                let changes = batch.iter().map(|(&prefix, &change)| {
                    (prefix, change.map(|revoked| (row(prefix), mark(revoked))))
                });
                edit.apply(changes.collect());
                edit.publish();
                for (prefix, change) in batch {
                    match change {
                        Some(revoked) => _ = model.insert(prefix, revoked),
                        None => _ = model.remove(&prefix),
                    }
                }
                let mut rows = Vec::new();
                table.for_each(|row, mark| rows.push((row.prefix(), mark.is_revoked())));
                prop_assert!(rows.iter().copied().eq(model.iter().map(|(&prefix, &revoked)| (prefix, revoked))));
                prop_assert_eq!(table.live(), model.values().filter(|revoked| !**revoked).count());
                for (&prefix, &revoked) in &model {
                    let found = table.row(prefix).map(|(_, mark)| mark.is_revoked());
                    prop_assert_eq!(found, Some(revoked));
                }
            }
        }
    }
}
