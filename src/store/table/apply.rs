use super::directory::Node as _;
use super::edit::Edit;
use super::{Group, MAX_ROWS, Row, Segment};
use crate::key::PackedStatus;

/// The new row and status of the key with a prefix; `None` removes it.
pub(in crate::store) type Change = (u64, Option<(Row, PackedStatus)>);

impl Edit<'_> {
    /// Makes many changes, sorted by distinct prefixes. Each segment is copied once for all of its changes.
    pub(in crate::store) fn apply(&mut self, changes: Vec<Change>) {
        let mut changes = changes.into_iter().peekable();
        while let Some(&(prefix, _)) = changes.peek() {
            self.root.make_room(prefix);
            let mut group = Group::clone(self.root.node(prefix));
            group.make_room(prefix);
            let segment = group.node(prefix);
            let bits = segment.bits();
            // In two steps, since `bits` may be zero and a shift by 64 would overflow.
            let slot = |prefix: u64| prefix >> 1 >> (63 - bits);
            // Unevenly distributed digests may exceed the limit, one row at a time.
            let max_rows = MAX_ROWS.max(segment.rows() + 1);

            let mut rows = Vec::with_capacity(segment.rows() + 1);
            let mut old = segment.rows_with_status().peekable();
            let mut left = segment.rows();
            while let Some((prefix, change)) = changes
                .next_if(|(other, _)| slot(*other) == slot(prefix) && rows.len() + left < max_rows)
            {
                while let Some((row, status)) = old.next_if(|(row, _)| row.prefix() < prefix) {
                    rows.push((row.clone(), status));
                    left -= 1;
                }
                if let Some((_, status)) = old.next_if(|(row, _)| row.prefix() == prefix) {
                    left -= 1;
                    self.live -= usize::from(!status.is_revoked());
                }
                if let Some((row, status)) = change {
                    self.live += usize::from(!status.is_revoked());
                    rows.push((row, status));
                }
            }
            rows.extend(old.map(|(row, status)| (row.clone(), status)));
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
    use crate::key::{KeyDigest, KeyState, PackedStatus};
    use crate::store::table::{Row, Table};

    fn row(prefix: u64) -> Row {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&prefix.to_be_bytes());
        Row { digest: KeyDigest::from_bytes(bytes), profile: ClientProfile::new("User 1") }
    }

    /// Prefixes that are evenly distributed or crowded at either end.
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
            let status = |revoked: bool| if revoked { PackedStatus::CLEAR.with_state(KeyState::Revoked) } else { PackedStatus::CLEAR };
            let (table, mut model) = (Table::new(), BTreeMap::new());
            for batch in batches {
                let mut edit = table.edit();
                let changes = batch.iter().map(|(&prefix, &change)| {
                    (prefix, change.map(|revoked| (row(prefix), status(revoked))))
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
                table.for_each(|row, status| rows.push((row.prefix(), status.is_revoked())));
                prop_assert!(rows.iter().copied().eq(model.iter().map(|(&prefix, &revoked)| (prefix, revoked))));
                prop_assert_eq!(table.live(), model.values().filter(|revoked| !**revoked).count());
                for (&prefix, &revoked) in &model {
                    let found = table.row(prefix).map(|(_, status)| status.is_revoked());
                    prop_assert_eq!(found, Some(revoked));
                }
            }
        }
    }
}
