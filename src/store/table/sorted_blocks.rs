use std::{array, iter};

use super::row::Row;
use crate::key::PackedStatus;

/// A row in a slot, with or without a status.
pub(super) trait Slot: Sized {
    fn new(row: Row, status: PackedStatus) -> Self;

    fn row(&self) -> &Row;

    fn status(&self) -> PackedStatus;
}

impl Slot for Row {
    fn new(row: Row, _: PackedStatus) -> Self {
        row
    }

    #[inline]
    fn row(&self) -> &Row {
        self
    }

    #[inline]
    fn status(&self) -> PackedStatus {
        PackedStatus::CLEAR
    }
}

impl Slot for (Row, PackedStatus) {
    fn new(row: Row, status: PackedStatus) -> Self {
        (row, status)
    }

    #[inline]
    fn row(&self) -> &Row {
        &self.0
    }

    #[inline]
    fn status(&self) -> PackedStatus {
        self.1
    }
}

/// Sorted rows in blocks of one size.
///
/// With one size, each change reuses the memory that the previous one freed. Allocations of growing sizes fragmented
/// the heap: with the allocator of glibc, the holes took as much memory as the rows.
pub(super) struct SortedBlocks<S> {
    blocks: [Option<Box<[Option<S>; BLOCK_ROWS]>>; BLOCKS],
    /// For each bucket, the smallest offset of its rows from their expected positions; a search starts there.
    offsets: [i8; BUCKETS],
}

const BLOCKS: usize = 8;
const BLOCK_ROWS: usize = 64;

/// A change copies its segment. With 10 million keys, 512 rows keep a change at 0.08 ms, and the overhead of segments
/// under one byte per key.
pub(super) const MAX_ROWS: usize = BLOCKS * BLOCK_ROWS;

/// A bucket has about ten rows; a search compares three on average.
const BUCKET_BITS: u32 = 5;
const BUCKETS: usize = 1 << BUCKET_BITS;

impl<S: Slot> SortedBlocks<S> {
    /// Lays out rows whose prefixes share their first `bits` bits.
    ///
    /// # Errors
    ///
    /// The rows, if they are too many or too unevenly distributed.
    pub(super) fn new(
        bits: u32,
        rows: Vec<(Row, PackedStatus)>,
    ) -> Result<Self, Vec<(Row, PackedStatus)>> {
        let Some(offsets) = offsets(bits, &rows) else { return Err(rows) };
        let mut rows = rows.into_iter().map(|(row, status)| S::new(row, status));
        let blocks = array::from_fn(|_| {
            let mut slots = iter::once(rows.next()?).chain(&mut rows);
            Some(Box::new(array::from_fn(|_| slots.next())))
        });
        Ok(Self { blocks, offsets })
    }

    /// Finds the row with this prefix. `rows` is the number of rows.
    #[inline]
    pub(super) fn find(&self, bits: u32, rows: usize, prefix: u64) -> Option<(&Row, PackedStatus)> {
        let (expected, bucket) = expected(bits, rows, prefix);
        let mut position = expected.saturating_add_signed(self.offsets[bucket].into());
        loop {
            let slot = self.slot(position)?;
            if slot.row().prefix() >= prefix {
                return (slot.row().prefix() == prefix).then(|| (slot.row(), slot.status()));
            }
            position += 1;
        }
    }

    #[inline]
    fn slot(&self, position: usize) -> Option<&S> {
        self.blocks.get(position / BLOCK_ROWS)?.as_ref()?[position % BLOCK_ROWS].as_ref()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Row, PackedStatus)> {
        let slots = self.blocks.iter().flatten().flat_map(|block| block.iter().flatten());
        slots.map(|slot| (slot.row(), slot.status()))
    }
}

fn offsets(bits: u32, rows: &[(Row, PackedStatus)]) -> Option<[i8; BUCKETS]> {
    if rows.len() > MAX_ROWS {
        return None;
    }
    let mut offsets = [i8::MAX; BUCKETS];
    for (position, (row, _)) in rows.iter().enumerate() {
        let (expected, bucket) = expected(bits, rows.len(), row.prefix());
        let offset = i16::try_from(position).ok()? - i16::try_from(expected).ok()?;
        offsets[bucket] = offsets[bucket].min(i8::try_from(offset.min(i8::MAX.into())).ok()?);
    }
    Some(offsets)
}

/// Returns the position that a prefix has if all rows are evenly distributed, and its bucket.
#[inline]
// Both fit: the position is less than `rows`, and the bucket has five bits.
#[allow(clippy::cast_possible_truncation)]
fn expected(bits: u32, rows: usize, prefix: u64) -> (usize, usize) {
    let rest = prefix << bits;
    let position = (u128::from(rest) * rows as u128) >> 64;
    (position as usize, (rest >> (64 - BUCKET_BITS)) as usize)
}
