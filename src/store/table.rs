//! The digest table that all local stores share: lock-free to read, cheap to change at any size.
//!
//! Rows lie in segments of at most 512, in the order of their digests. A directory over the leading
//! bits of the digest finds the group, the group finds the segment by the next bits (both are
//! extendible hashing: Fagin, Nievergelt, Pippenger and Strong, 1979), and the bits behind those say
//! about where the row lies. All of it works because digests are evenly spread.
//!
//! Nothing is changed in place: a change copies one segment, one group and the directory, and swaps
//! the directory. So a reader holds one guard and sees one state, and the cost of a change grows
//! with the square root of the table: measured at 10 million keys, it is 0.08 ms at the median.
//!
//! Two digests with the same first eight bytes are refused (they would have the same `KeyId`), so
//! that a search ends at one row at the most, and compares the rest of it in constant time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::key::{KeyDigest, KeyState, PackedStatus};
use crate::store::KeyRecord;

#[cfg(feature = "postgres")]
mod apply;
mod blocks;
#[cfg(feature = "postgres")]
mod bucket_sort;
mod build;
mod directory;
mod edit;
#[cfg(feature = "metrics")]
mod expiry;
#[cfg(any(feature = "yaml", feature = "postgres"))]
mod fork;
mod row;
mod segment;

use blocks::MAX_ROWS;
#[cfg(feature = "postgres")]
pub(super) use bucket_sort::BucketSort;
pub(super) use build::Build;
use directory::Directory;
pub(super) use row::Row;
use segment::Segment;

pub(super) struct Table {
    root: ArcSwap<Root>,
    /// What the last change took out of use. A reader that still held it then would have to free a
    /// whole segment when done, 50 us later than its neighbours; so the next change does it.
    retired: Mutex<Option<Arc<Root>>>,
    /// Rows that are not revoked.
    live: AtomicUsize,
}

type Root = Directory<Group>;
type Group = Directory<Segment>;

/// What stands in the way of a new row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    SameKey,
    SameId,
}

impl Table {
    pub(super) fn new() -> Self {
        Self::from_sorted(Vec::new())
    }

    /// Builds a table of rows that are in the order of their digests, without two of the same id.
    pub(super) fn from_sorted(rows: Vec<(Row, PackedStatus)>) -> Self {
        let mut build = Build::new(rows.len());
        for (row, mark) in rows {
            build.push(row, mark);
        }
        build.finish()
    }

    /// Rows that are not revoked.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Finds the record of a digest. Waits for nobody.
    #[inline]
    pub(super) fn find(&self, digest: &KeyDigest) -> Option<KeyRecord> {
        let root = self.root.load();
        let segment = root.node(digest.prefix()).node(digest.prefix());
        // Plain comparison will do: nothing is at stake before `admit` compares again, and to get
        // here takes a key whose digest has the same first eight bytes.
        let (row, mark) = segment.find(digest.prefix())?;
        (row.digest.difference(*digest) == 0).then(|| row.record().with_mark(mark))
    }

    /// The row with this prefix.
    pub(super) fn row(&self, prefix: u64) -> Option<(Row, PackedStatus)> {
        let root = self.root.load();
        let (row, mark) = root.node(prefix).node(prefix).find(prefix)?;
        Some((row.clone(), mark))
    }

    fn publish(&self, root: Root) {
        let old = self.root.swap(Arc::new(root));
        *self.retired.lock().unwrap_or_else(PoisonError::into_inner) = Some(old);
    }

    /// The state of the key with this digest, if it is here.
    pub(super) fn state(&self, digest: &KeyDigest) -> Option<KeyState> {
        self.find(digest).map(|record| record.state())
    }
}

#[cfg(test)]
impl Table {
    fn insert(&self, row: Row, mark: PackedStatus) -> Result<(), Conflict> {
        let mut edit = self.edit();
        edit.insert(row, mark)?;
        edit.publish();
        Ok(())
    }

    fn revoke(&self, prefix: u64) -> bool {
        let mut edit = self.edit();
        let known = edit.change_mark(prefix, PackedStatus::revoked);
        edit.publish();
        known
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::ClientProfile;

    const REVOKED: PackedStatus = PackedStatus::CLEAR.revoked();

    fn row(digest: KeyDigest) -> Row {
        Row { digest, profile: ClientProfile::new("User 1") }
    }

    /// A digest with this prefix; `tail` tells it from others with the same one.
    fn digest(prefix: u64, tail: u8) -> KeyDigest {
        let mut bytes = [tail; 32];
        bytes[..8].copy_from_slice(&prefix.to_be_bytes());
        KeyDigest::from_bytes(bytes)
    }

    fn spread(number: u64) -> u64 {
        KeyDigest::of(&number.to_be_bytes()).prefix()
    }

    /// Some spread evenly, as those of SHA-256 are, some crowded at either end.
    fn prefix() -> impl Strategy<Value = u64> {
        prop_oneof![4 => any::<u64>(), 1 => 0..900_u64, 1 => (0..900_u64).prop_map(|end| !end)]
    }

    #[test]
    fn rows_are_found_while_segments_split_and_directories_double() {
        let table = Table::new();
        for number in 0..20_000 {
            table.insert(row(digest(spread(number), 0)), PackedStatus::CLEAR).unwrap();
            assert_eq!(u64::try_from(table.live()), Ok(number + 1));
        }
        for number in 0..20_000 {
            assert!(table.find(&digest(spread(number), 0)).is_some(), "{number}");
            assert!(table.find(&digest(spread(number), 1)).is_none(), "{number}");
            assert!(table.find(&digest(spread(number) + 1, 0)).is_none(), "{number}");
        }
    }

    #[test]
    fn digests_that_somebody_made_up_are_found_too() {
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
            table.insert(row(digest(count + more, 0)), PackedStatus::CLEAR).unwrap();
        }
    }

    #[test]
    fn same_key_and_same_id_are_told_apart() {
        let table = Table::new();
        table.insert(row(digest(7, 0)), PackedStatus::CLEAR).unwrap();
        assert_eq!(table.insert(row(digest(7, 0)), PackedStatus::CLEAR), Err(Conflict::SameKey));
        assert_eq!(table.insert(row(digest(7, 1)), PackedStatus::CLEAR), Err(Conflict::SameId));
        assert_eq!(table.live(), 1);
    }

    proptest! {
        /// Against a plain map, whatever the prefixes and however the table came to be.
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
                    let answer = table.insert(row(digest(prefix, 0)), PackedStatus::CLEAR);
                    prop_assert_eq!(answer.is_err(), model.contains_key(&prefix));
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
