use super::blocks::{Blocks, MAX_ROWS};
use super::directory::Node;
use super::row::Row;
use crate::key::PackedStatus;

/// The rows whose prefixes share their first `bits` bits, in the order of those prefixes.
pub(super) struct Segment {
    bits: u32,
    rows: usize,
    pub(super) slots: Slots,
}

pub(super) enum Slots {
    /// All marks are clear.
    Plain(Blocks<Row>),
    Marked(Blocks<(Row, PackedStatus)>),
    /// More rows than blocks hold, or far from evenly spread: digests that somebody made up.
    Uneven(Vec<(Row, PackedStatus)>),
}

impl Segment {
    /// Lays out rows that are in the order of their digests.
    pub(super) fn new(bits: u32, rows: Vec<(Row, PackedStatus)>) -> Self {
        let count = rows.len();
        let plain = rows.iter().all(|(_, mark)| mark.is_clear());
        let slots = if plain {
            Blocks::new(bits, rows).map_or_else(Slots::Uneven, Slots::Plain)
        } else {
            Blocks::new(bits, rows).map_or_else(Slots::Uneven, Slots::Marked)
        };
        Self { bits, rows: count, slots }
    }

    /// The row with this prefix, and its mark.
    #[inline]
    pub(super) fn find(&self, prefix: u64) -> Option<(&Row, PackedStatus)> {
        match &self.slots {
            Slots::Plain(slots) => slots.find(self.bits, self.rows, prefix),
            Slots::Marked(slots) => slots.find(self.bits, self.rows, prefix),
            Slots::Uneven(slots) => {
                let place = slots.binary_search_by_key(&prefix, |(row, _)| row.prefix()).ok()?;
                let (row, mark) = &slots[place];
                Some((row, *mark))
            }
        }
    }

    pub(super) fn with_row(&self, row: Row, mark: PackedStatus) -> Self {
        let mut rows = self.all(1);
        let place = rows.partition_point(|(other, _)| other.prefix() < row.prefix());
        rows.insert(place, (row, mark));
        Self::new(self.bits, rows)
    }

    pub(super) fn with_mark(
        &self,
        prefix: u64,
        change: impl Fn(PackedStatus) -> PackedStatus,
    ) -> Self {
        let mut rows = self.all(0);
        for (row, mark) in &mut rows {
            if row.prefix() == prefix {
                *mark = change(*mark);
            }
        }
        Self::new(self.bits, rows)
    }

    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// In the order of the digests.
    pub(super) fn rows_and_marks(&self) -> impl Iterator<Item = (&Row, PackedStatus)> {
        let (plain, marked, uneven) = match &self.slots {
            Slots::Plain(slots) => (Some(slots), None, None),
            Slots::Marked(slots) => (None, Some(slots), None),
            Slots::Uneven(slots) => (None, None, Some(slots)),
        };
        let even = plain.into_iter().flat_map(Blocks::all);
        let even = even.chain(marked.into_iter().flat_map(Blocks::all));
        even.chain(uneven.into_iter().flatten().map(|(row, mark)| (row, *mark)))
    }

    /// Copies all rows, with room for some more.
    fn all(&self, more: usize) -> Vec<(Row, PackedStatus)> {
        let mut rows = Vec::with_capacity(self.rows + more);
        rows.extend(self.rows_and_marks().map(|(row, mark)| (row.clone(), mark)));
        rows
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
        let mut low = self.all(0);
        let high = low.split_off(low.partition_point(|(row, _)| row.prefix() & bit == 0));
        [low, high].map(|rows| Self::new(self.bits + 1, rows))
    }
}
