use std::mem;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;

use super::{Group, MAX_ROWS, Root, Row, Segment, Table};
use crate::key::PackedStatus;

/// Builder of a table from rows that are pushed in the order of their digests, without a second copy of the rows.
pub(in crate::store) struct TableBuilder {
    bits: u32,
    group_bits: u32,
    groups: Vec<Arc<Group>>,
    segments: Vec<Arc<Segment>>,
    /// The rows of the current segment.
    rows: Vec<(Row, PackedStatus)>,
    /// The index of the current segment.
    slot: u64,
    live: usize,
}

impl TableBuilder {
    /// Creates a builder for about `count` rows.
    pub(in crate::store) fn new(count: usize) -> Self {
        // Segments are at most three quarters full and groups half full, so that they can grow before they split.
        let mut bits = 0;
        while count >> bits > MAX_ROWS / 4 * 3 {
            bits += 1;
        }
        Self {
            bits,
            group_bits: bits.min(7),
            groups: Vec::new(),
            segments: Vec::new(),
            rows: Vec::new(),
            slot: 0,
            live: 0,
        }
    }

    /// Adds the next row, whose prefix must be greater than all previous ones.
    pub(in crate::store) fn push(&mut self, row: Row, status: PackedStatus) {
        // In two steps, since `bits` may be zero and a shift by 64 would overflow.
        let slot = row.prefix() >> 1 >> (63 - self.bits);
        while self.slot < slot {
            self.end_segment();
        }
        self.live += usize::from(!status.is_revoked());
        self.rows.push((row, status));
    }

    fn end_segment(&mut self) {
        let next = Vec::with_capacity(self.rows.len());
        let rows = mem::replace(&mut self.rows, next);
        self.segments.push(Arc::new(Segment::new(self.bits, rows)));
        self.slot += 1;
        if self.segments.len() == 1 << self.group_bits {
            let shared = self.bits - self.group_bits;
            let segments = mem::take(&mut self.segments);
            self.groups.push(Arc::new(Group::new(shared, self.group_bits, segments)));
        }
    }

    pub(in crate::store) fn finish(mut self) -> Table {
        while self.slot < 1 << self.bits {
            self.end_segment();
        }
        let root = Root::new(0, self.bits - self.group_bits, self.groups);
        Table {
            root: ArcSwap::from_pointee(root),
            retired: Mutex::new(None),
            live: AtomicUsize::new(self.live),
        }
    }
}
