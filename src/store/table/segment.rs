use super::directory::Node;
use super::row::Row;
use super::sorted_blocks::{MAX_ROWS, SortedBlocks};
use crate::key::PackedStatus;

/// Sorted rows whose prefixes share their first `bits` bits.
pub(super) struct Segment {
    bits: u32,
    rows: usize,
    pub(super) slots: Slots,
}

pub(super) enum Slots {
    /// The status of every row is zero.
    Plain(SortedBlocks<Row>),
    WithStatus(SortedBlocks<(Row, PackedStatus)>),
    /// Too many rows for blocks, or too unevenly distributed; does not happen with SHA-256.
    Uneven(Vec<(Row, PackedStatus)>),
}

impl Segment {
    /// Creates a segment from sorted rows.
    pub(super) fn new(bits: u32, rows: Vec<(Row, PackedStatus)>) -> Self {
        let count = rows.len();
        let is_plain = rows.iter().all(|(_, status)| *status == PackedStatus::CLEAR);
        let slots = if is_plain {
            SortedBlocks::new(bits, rows).map_or_else(Slots::Uneven, Slots::Plain)
        } else {
            SortedBlocks::new(bits, rows).map_or_else(Slots::Uneven, Slots::WithStatus)
        };
        Self { bits, rows: count, slots }
    }

    /// Finds the row with this prefix, and its status.
    #[inline]
    pub(super) fn find(&self, prefix: u64) -> Option<(&Row, PackedStatus)> {
        match &self.slots {
            Slots::Plain(slots) => slots.find(self.bits, self.rows, prefix),
            Slots::WithStatus(slots) => slots.find(self.bits, self.rows, prefix),
            Slots::Uneven(slots) => {
                let index = slots.binary_search_by_key(&prefix, |(row, _)| row.prefix()).ok()?;
                let (row, status) = &slots[index];
                Some((row, *status))
            }
        }
    }

    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// Returns the rows, sorted by digest.
    pub(super) fn rows_with_status(&self) -> impl Iterator<Item = (&Row, PackedStatus)> {
        let (plain, with_status, uneven) = match &self.slots {
            Slots::Plain(slots) => (Some(slots), None, None),
            Slots::WithStatus(slots) => (None, Some(slots), None),
            Slots::Uneven(slots) => (None, None, Some(slots)),
        };
        let even = plain.into_iter().flat_map(SortedBlocks::all);
        let even = even.chain(with_status.into_iter().flat_map(SortedBlocks::all));
        even.chain(uneven.into_iter().flatten().map(|(row, status)| (row, *status)))
    }
}

impl Node for Segment {
    const MIN_ROWS: usize = 32;

    fn shared_bits(&self) -> u32 {
        self.bits
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn is_full(&self, _: u64) -> bool {
        self.rows >= MAX_ROWS
    }

    fn split(&self) -> [Self; 2] {
        let bit = 1 << (63 - self.bits);
        let rows = self.rows_with_status().map(|(row, status)| (row.clone(), status));
        let mut low = rows.collect::<Vec<_>>();
        let high = low.split_off(low.partition_point(|(row, _)| row.prefix() & bit == 0));
        [low, high].map(|rows| Self::new(self.bits + 1, rows))
    }
}
