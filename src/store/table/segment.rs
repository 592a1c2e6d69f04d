use super::directory::Node;
use crate::digest::KeyDigest;
use crate::mark::Mark;
use crate::profile::ClientProfile;
use crate::record::KeyRecord;

/// One key: 40 bytes, and no more where a row may be missing.
#[derive(Clone)]
pub(in crate::store) struct Row {
    pub(in crate::store) digest: KeyDigest,
    pub(in crate::store) profile: ClientProfile,
}

const _: () = assert!(size_of::<Option<Row>>() == 40);

impl Row {
    #[inline]
    pub(in crate::store) fn prefix(&self) -> u64 {
        self.digest.prefix()
    }

    #[inline]
    pub(super) fn record(&self) -> KeyRecord {
        KeyRecord::new(self.digest, self.profile.clone())
    }
}

/// A change copies its segment. Measured at 10 million keys: 512 rows keep a change at 0.08 ms, and
/// the weight of the segments themselves under one byte per key.
pub(super) const MAX_ROWS: usize = 512;

/// The rows whose prefixes share their first `bits` bits, in the order of those prefixes.
///
/// Each row lies in the slot where the bits behind the shared ones say it should be, or as soon after
/// it as others let it. A fifth of the slots is empty (a ninth where keys expire), so that a search
/// looks at three rows on the average (at five).
pub(super) struct Segment {
    bits: u32,
    rows: usize,
    /// How many slots rows are at home in; some may have to lie behind them.
    homes: usize,
    slots: Box<[Option<Row>]>,
    /// As many as slots, or none when all are clear.
    marks: Box<[Mark]>,
}

impl Segment {
    /// Lays out rows that are in the order of their digests.
    pub(super) fn new(bits: u32, rows: Vec<(Row, Mark)>) -> Self {
        let count = rows.len();
        let marked = !rows.iter().all(|(_, mark)| mark.is_clear());
        // Marks take their room from the empty slots, so that no key costs more than 56 bytes.
        let homes = if marked { count + count / 8 } else { count + count / 4 };
        let mut slots = Vec::with_capacity(homes);
        let mut marks = Vec::new();
        for (row, mark) in rows {
            let home = home(row.prefix(), bits, homes);
            slots.resize(slots.len().max(home), None);
            if marked {
                marks.resize(slots.len(), Mark::CLEAR);
                marks.push(mark);
            }
            slots.push(Some(row));
        }
        Self { bits, rows: count, homes, slots: slots.into(), marks: marks.into() }
    }

    /// The slot of the row with this prefix.
    #[inline]
    pub(super) fn place(&self, prefix: u64) -> Option<usize> {
        let mut place = home(prefix, self.bits, self.homes);
        loop {
            let row = self.slots.get(place)?.as_ref()?;
            if row.prefix() >= prefix {
                return (row.prefix() == prefix).then_some(place);
            }
            place += 1;
        }
    }

    #[inline]
    pub(super) fn row(&self, place: usize) -> Option<&Row> {
        self.slots[place].as_ref()
    }

    #[inline]
    pub(super) fn mark(&self, place: usize) -> Mark {
        self.marks.get(place).copied().unwrap_or(Mark::CLEAR)
    }

    pub(super) fn with_row(&self, row: Row, mark: Mark) -> Self {
        let mut rows: Vec<_> = self.all().collect();
        let place = rows.partition_point(|(other, _)| other.prefix() < row.prefix());
        rows.insert(place, (row, mark));
        Self::new(self.bits, rows)
    }

    pub(super) fn with_mark(&self, prefix: u64, change: impl Fn(Mark) -> Mark) -> Self {
        let rows = self.all().map(|(row, mark)| {
            let mark = if row.prefix() == prefix { change(mark) } else { mark };
            (row, mark)
        });
        Self::new(self.bits, rows.collect())
    }

    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// In the order of the digests.
    pub(super) fn rows_and_marks(&self) -> impl Iterator<Item = (&Row, Mark)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(place, row)| Some((row.as_ref()?, self.mark(place))))
    }

    fn all(&self) -> impl Iterator<Item = (Row, Mark)> {
        self.rows_and_marks().map(|(row, mark)| (row.clone(), mark))
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
        [0, bit].map(|side| {
            let rows = self.all().filter(|(row, _)| row.prefix() & bit == side);
            Self::new(self.bits + 1, rows.collect())
        })
    }
}

/// The slot where a prefix is at home: the bits behind the shared ones, scaled.
#[inline]
fn home(prefix: u64, bits: u32, homes: usize) -> usize {
    let scaled = u128::from(prefix << bits) * homes as u128;
    // Less than `homes`, since the prefix is less than 2^64.
    #[allow(clippy::cast_possible_truncation)]
    let home = (scaled >> 64) as usize;
    home
}
