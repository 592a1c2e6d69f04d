//! The digest table that all local stores share: lock-free to read, cheap to change at any size.
//!
//! Rows lie in segments of at most [`MAX_ROWS`], in the order of their digests. A directory over the
//! leading bits of the digest finds the segment (extendible hashing: Fagin and others, 1979), an
//! index over the next bits finds the row. Both work because digests are evenly spread. A change
//! copies one segment and swaps it in; a segment that has grown too large is split in two, and the
//! directory doubles when it has no bit left to tell the halves apart.
//!
//! Two digests with the same first eight bytes are refused (they would have the same `KeyId`), so
//! that a search ends at one row at the most, and compares the rest of it in constant time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use crate::digest::KeyDigest;
use crate::record::{KeyRecord, KeyState};

mod mark;
mod segment;

pub(super) use mark::Mark;
pub(super) use segment::Row;
use segment::Segment;

/// A change costs a copy of its segment. Measured at 10 million keys: 512 rows keep a change under
/// 0.1 ms, and the segments' own weight under one byte per key.
const MAX_ROWS: usize = 512;

/// The directory does not double while it has fewer rows than this per slot: segments grow instead.
/// SHA-256 spreads too evenly to ever get here, digests that somebody made up may.
const MIN_ROWS_PER_SLOT: usize = 32;

pub(super) struct Table {
    directory: ArcSwap<Directory>,
    rows: AtomicUsize,
    /// Rows that are not revoked.
    live: AtomicUsize,
}

struct Directory {
    /// How many leading bits of a digest choose the slot; at least 1.
    bits: u32,
    slots: Box<[ArcSwap<Segment>]>,
}

impl Directory {
    #[inline]
    fn slot_of(&self, prefix: u64) -> usize {
        // As many bits are left as tell the slots apart, so they fit.
        #[allow(clippy::cast_possible_truncation)]
        let slot = (prefix >> (64 - self.bits)) as usize;
        slot
    }

    fn segment_of(&self, prefix: u64) -> &ArcSwap<Segment> {
        &self.slots[self.slot_of(prefix)]
    }

    /// Puts a segment into every slot that its bits stand for.
    fn put(&self, prefix: u64, segment: &Arc<Segment>) {
        let spare = self.bits - segment.bits();
        let first = self.slot_of(prefix) >> spare << spare;
        for slot in &self.slots[first..first + (1 << spare)] {
            slot.store(Arc::clone(segment));
        }
    }

    fn doubled(&self) -> Self {
        let twice = self.slots.iter().flat_map(|slot| {
            let segment = slot.load_full();
            [ArcSwap::new(Arc::clone(&segment)), ArcSwap::new(segment)]
        });
        Self { bits: self.bits + 1, slots: twice.collect() }
    }
}

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
    pub(super) fn from_sorted(rows: Vec<(Row, Mark)>) -> Self {
        let count = rows.len();
        let live = rows.iter().filter(|(_, mark)| !mark.is_revoked()).count();
        let mut bits = 1;
        // Three quarters full leaves every segment room to grow before it must be split.
        while rows.len() >> bits > MAX_ROWS / 4 * 3 {
            bits += 1;
        }
        let mut rows = rows.into_iter().peekable();
        let slots = (0..1_u64 << bits).map(|slot| {
            let mut segment = Vec::new();
            while let Some(row) = rows.next_if(|(row, _)| row.prefix() >> (64 - bits) == slot) {
                segment.push(row);
            }
            ArcSwap::from_pointee(Segment::new(bits, segment))
        });
        let directory = Directory { bits, slots: slots.collect() };
        Self {
            directory: ArcSwap::from_pointee(directory),
            rows: AtomicUsize::new(count),
            live: AtomicUsize::new(live),
        }
    }

    /// Keys that are not revoked.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Finds the record of a digest. Waits for nobody.
    #[inline]
    pub(super) fn find(&self, digest: &KeyDigest) -> Option<KeyRecord> {
        let directory = self.directory.load();
        let segment = directory.segment_of(digest.prefix()).load();
        let place = segment.place(digest.prefix()).ok()?;
        let row = segment.row(place);
        (row.digest == *digest).then(|| segment.mark(place).apply(row.record()))
    }

    /// Adds a row. Changes must come one after the other: the caller holds a lock.
    pub(super) fn insert(&self, row: Row, mark: Mark) -> Result<(), Conflict> {
        let prefix = row.prefix();
        loop {
            let directory = self.directory.load_full();
            let segment = directory.segment_of(prefix).load_full();
            match segment.place(prefix) {
                Ok(place) if segment.row(place).digest == row.digest => {
                    return Err(Conflict::SameKey);
                }
                Ok(_) => return Err(Conflict::SameId),
                Err(place)
                    if segment.len() < MAX_ROWS || self.is_lopsided(&directory, &segment) =>
                {
                    let live = usize::from(!mark.is_revoked());
                    directory.put(prefix, &Arc::new(segment.with_row(place, row, mark)));
                    self.rows.fetch_add(1, Ordering::Relaxed);
                    self.live.fetch_add(live, Ordering::Relaxed);
                    return Ok(());
                }
                Err(_) if segment.bits() == directory.bits => {
                    self.directory.store(Arc::new(directory.doubled()));
                }
                Err(_) => {
                    for (prefix, half) in segment.split(prefix) {
                        directory.put(prefix, &Arc::new(half));
                    }
                }
            }
        }
    }

    /// Whether splitting this segment would take a directory far too large for so few rows.
    fn is_lopsided(&self, directory: &Directory, segment: &Segment) -> bool {
        let rows = self.rows.load(Ordering::Relaxed);
        segment.bits() == directory.bits && rows / MIN_ROWS_PER_SLOT < directory.slots.len()
    }

    /// Marks the key with this prefix as revoked; says whether there is one. Changes must come one
    /// after the other: the caller holds a lock.
    pub(super) fn revoke(&self, prefix: u64) -> bool {
        let directory = self.directory.load();
        let segment = directory.segment_of(prefix).load_full();
        let Ok(place) = segment.place(prefix) else { return false };
        if !segment.mark(place).is_revoked() {
            directory.put(prefix, &Arc::new(segment.with_mark(place, Mark::REVOKED)));
            self.live.fetch_sub(1, Ordering::Relaxed);
        }
        true
    }

    /// The state of the key with this digest, if it is here.
    pub(super) fn state(&self, digest: &KeyDigest) -> Option<KeyState> {
        self.find(digest).map(|record| record.state())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::ClientProfile;

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

    #[test]
    fn rows_stay_to_be_found_while_segments_split_and_the_directory_doubles() {
        let table = Table::new();
        for number in 0..20_000 {
            table.insert(row(digest(spread(number), 0)), Mark::CLEAR).unwrap();
            assert_eq!(table.live(), number as usize + 1);
        }
        assert!(table.directory.load().bits > 5);
        for number in 0..20_000 {
            assert!(table.find(&digest(spread(number), 0)).is_some(), "{number}");
            assert!(table.find(&digest(spread(number), 1)).is_none(), "{number}");
            assert!(table.find(&digest(spread(number) + 1, 0)).is_none(), "{number}");
        }
    }

    #[test]
    fn digests_that_somebody_made_up_are_found_too() {
        let count = u64::from(u16::MAX);
        let sorted = (0..count).map(|number| (row(digest(number, 0)), Mark::CLEAR)).collect();
        let table = Table::from_sorted(sorted);
        for more in [0, 1, 2] {
            for number in (0..count + more).rev().step_by(997) {
                assert!(table.find(&digest(number, 0)).is_some(), "{number}");
            }
            assert!(table.find(&digest(count + more, 0)).is_none());
            assert!(table.find(&digest(u64::MAX, 0)).is_none());
            table.insert(row(digest(count + more, 0)), Mark::CLEAR).unwrap();
        }
        assert!(table.directory.load().slots.len() <= 4_096);
    }

    #[test]
    fn same_key_and_same_id_are_told_apart() {
        let table = Table::new();
        table.insert(row(digest(7, 0)), Mark::CLEAR).unwrap();
        assert_eq!(table.insert(row(digest(7, 0)), Mark::CLEAR), Err(Conflict::SameKey));
        assert_eq!(table.insert(row(digest(7, 1)), Mark::CLEAR), Err(Conflict::SameId));
        assert_eq!(table.live(), 1);
    }

    proptest! {
        /// Against a plain map, whatever the prefixes and however the table came to be.
        #[test]
        fn table_agrees_with_a_map(
            bulk in proptest::collection::btree_map(any::<u64>(), any::<bool>(), 0..3000),
            steps in proptest::collection::vec((0..4_u8, any::<u64>(), any::<proptest::sample::Index>()), 0..300),
        ) {
            let mut model = bulk;
            let rows = model.iter().map(|(&prefix, &revoked)| {
                (row(digest(prefix, 0)), if revoked { Mark::REVOKED } else { Mark::CLEAR })
            });
            let table = Table::from_sorted(rows.collect());
            for (what, fresh, known) in steps {
                let known = model.keys().nth(known.index(model.len().max(1))).copied();
                let prefix = known.filter(|_| what % 2 == 0).unwrap_or(fresh);
                if what < 2 {
                    let answer = table.insert(row(digest(prefix, 0)), Mark::CLEAR);
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
