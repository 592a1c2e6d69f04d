//! The digest table of all local stores: lock-free to read, cheap to change at any size.
//!
//! Rows are kept in segments of at most 512, sorted by digest. The leading bits of a digest select a group in the
//! root directory, the next bits select a segment in the group (extendible hashing: Fagin, Nievergelt, Pippenger and
//! Strong, 1979), and the bits after those give the approximate position of the row. This relies on digests being
//! evenly distributed.
//!
//! Nothing is changed in place: a change copies one segment, one group and the root directory, and swaps the root. A
//! reader holds one guard and sees one consistent state. The cost of a change grows with the square root of the number
//! of rows: with 10 million keys, the median is 0.08 ms.
//!
//! Two digests with the same first eight bytes are refused, since they would have the same `KeyId`. A search therefore
//! ends at one row at most, and compares the rest of the digest in constant time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::key::{KeyDigest, KeyState, PackedStatus};
use crate::store::KeyRecord;

mod apply;
#[cfg(feature = "postgres")]
mod bucket_sort;
mod builder;
mod directory;
mod edit;
#[cfg(feature = "metrics")]
mod expiry;
#[cfg(any(feature = "yaml", feature = "postgres"))]
mod fork;
mod row;
mod segment;
mod sorted_blocks;

#[cfg(feature = "postgres")]
pub(super) use bucket_sort::BucketSort;
pub(super) use builder::TableBuilder;
use directory::Directory;
pub(super) use edit::Edit;
pub(super) use row::Row;
use segment::Segment;
use sorted_blocks::MAX_ROWS;

pub(super) struct Table {
    root: ArcSwap<Root>,
    /// The root before the last change. Kept until the next change, so that no reader is the last to hold it and
    /// has to free a segment, which takes 50 us.
    retired: Mutex<Option<Arc<Root>>>,
    /// Rows that are not revoked.
    live: AtomicUsize,
}

type Root = Directory<Group>;
type Group = Directory<Segment>;

impl Table {
    pub(super) fn new() -> Self {
        Self::from_sorted(Vec::new())
    }

    /// Builds a table from rows that are sorted by digest and have different ids.
    pub(super) fn from_sorted(rows: Vec<(Row, PackedStatus)>) -> Self {
        let mut builder = TableBuilder::new(rows.len());
        for (row, status) in rows {
            builder.push(row, status);
        }
        builder.finish()
    }

    /// Rows that are not revoked.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Finds the record of a digest, without locking.
    #[inline]
    pub(super) fn find(&self, digest: &KeyDigest) -> Option<KeyRecord> {
        let root = self.root.load();
        let segment = root.node(digest.prefix()).node(digest.prefix());
        // A search by plain comparison is safe: only a digest with the same first eight bytes gets this far, and
        // `admit` compares the whole digest in constant time.
        let (row, status) = segment.find(digest.prefix())?;
        (row.digest.difference(*digest) == 0).then(|| KeyRecord {
            digest: row.digest,
            profile: row.profile.clone(),
            status,
        })
    }

    /// Returns the row with this prefix.
    pub(super) fn row(&self, prefix: u64) -> Option<(Row, PackedStatus)> {
        let root = self.root.load();
        let (row, status) = root.node(prefix).node(prefix).find(prefix)?;
        Some((row.clone(), status))
    }

    fn publish(&self, root: Root) {
        let old = self.root.swap(Arc::new(root));
        *self.retired.lock().unwrap_or_else(PoisonError::into_inner) = Some(old);
    }

    /// Returns the state of the key with this digest.
    #[cfg_attr(not(feature = "yaml"), allow(dead_code))]
    pub(super) fn state(&self, digest: &KeyDigest) -> Option<KeyState> {
        self.find(digest).map(|record| record.state())
    }
}

#[cfg(test)]
impl Table {
    fn insert(&self, row: Row, status: PackedStatus) -> bool {
        let mut edit = self.edit();
        let inserted = edit.insert(row, status);
        edit.publish();
        inserted
    }

    fn revoke(&self, prefix: u64) -> bool {
        let Some((row, status)) = self.row(prefix) else { return false };
        let mut edit = self.edit();
        let known = edit.replace(row, status.with_state(KeyState::Revoked));
        edit.publish();
        known
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::ClientProfile;

    const REVOKED: PackedStatus = PackedStatus::CLEAR.with_state(KeyState::Revoked);

    fn row(digest: KeyDigest) -> Row {
        Row { digest, profile: ClientProfile::new("User 1") }
    }

    /// A digest with this prefix and, after it, bytes of `tail`.
    fn digest(prefix: u64, tail: u8) -> KeyDigest {
        let mut bytes = [tail; 32];
        bytes[..8].copy_from_slice(&prefix.to_be_bytes());
        KeyDigest::from_bytes(bytes)
    }

    fn spread(number: u64) -> u64 {
        KeyDigest::of(&number.to_be_bytes()).prefix()
    }

    /// Prefixes that are evenly distributed, as those of SHA-256 are, or crowded at either end.
    fn prefix() -> impl Strategy<Value = u64> {
        prop_oneof![4 => any::<u64>(), 1 => 0..900_u64, 1 => (0..900_u64).prop_map(|end| !end)]
    }

    #[test]
    fn rows_are_found_after_splits_and_doublings() {
        let table = Table::new();
        for number in 0..20_000 {
            assert!(table.insert(row(digest(spread(number), 0)), PackedStatus::CLEAR));
            assert_eq!(u64::try_from(table.live()), Ok(number + 1));
        }
        for number in 0..20_000 {
            assert!(table.find(&digest(spread(number), 0)).is_some(), "{number}");
            assert!(table.find(&digest(spread(number), 1)).is_none(), "{number}");
            assert!(table.find(&digest(spread(number) + 1, 0)).is_none(), "{number}");
        }
    }

    #[test]
    fn unevenly_distributed_digests_are_found() {
        let count = u64::from(u16::MAX);
        let sorted =
            (0..count).map(|number| (row(digest(number, 0)), PackedStatus::CLEAR)).collect();
        let table = Table::from_sorted(sorted);
        for more in [0, 1, 2] {
            for number in (0..count + more).rev().step_by(997) {
                assert!(table.find(&digest(number, 0)).is_some(), "{number}");
            }
            assert!(table.find(&digest(count + more, 0)).is_none());
            assert!(table.find(&digest(u64::MAX, 0)).is_none());
            assert!(table.insert(row(digest(count + more, 0)), PackedStatus::CLEAR));
        }
    }

    #[test]
    fn second_row_with_a_prefix_is_not_inserted() {
        let table = Table::new();
        assert!(table.insert(row(digest(7, 0)), PackedStatus::CLEAR));
        assert!(!table.insert(row(digest(7, 0)), PackedStatus::CLEAR));
        assert!(!table.insert(row(digest(7, 1)), PackedStatus::CLEAR));
        assert_eq!(table.live(), 1);
    }

    proptest! {
        /// Compares a table with a plain map, for bulk-loaded and single rows with all kinds of prefixes.
        #[test]
        fn table_agrees_with_a_map(
            bulk in proptest::collection::btree_map(prefix(), any::<bool>(), 0..3000),
            steps in proptest::collection::vec((0..4_u8, prefix(), any::<proptest::sample::Index>()), 0..300),
        ) {
            let mut model = bulk;
            let rows = model.iter().map(|(&prefix, &revoked)| {
                (row(digest(prefix, 0)), if revoked { REVOKED } else { PackedStatus::CLEAR })
            });
            let table = Table::from_sorted(rows.collect());
            for (what, fresh, known) in steps {
                let known = model.keys().nth(known.index(model.len().max(1))).copied();
                let prefix = known.filter(|_| what % 2 == 0).unwrap_or(fresh);
                if what < 2 {
                    let inserted = table.insert(row(digest(prefix, 0)), PackedStatus::CLEAR);
                    prop_assert_eq!(!inserted, model.contains_key(&prefix));
                    model.entry(prefix).or_insert(false);
                } else {
                    prop_assert_eq!(table.revoke(prefix), model.contains_key(&prefix));
                    model.entry(prefix).and_modify(|revoked| *revoked = true);
                }
                prop_assert_eq!(table.state(&digest(prefix, 0)).map(|state| state == KeyState::Revoked),
                    model.get(&prefix).copied());
            }
            prop_assert_eq!(table.live(), model.values().filter(|revoked| !**revoked).count());
            for (&prefix, &revoked) in &model {
                let state = if revoked { KeyState::Revoked } else { KeyState::Active };
                prop_assert_eq!(table.state(&digest(prefix, 0)), Some(state));
                prop_assert_eq!(table.state(&digest(prefix, 1)), None);
            }
        }
    }
}
