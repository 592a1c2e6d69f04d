use super::mark::Mark;
use crate::digest::KeyDigest;
use crate::profile::ClientProfile;
use crate::record::KeyRecord;

/// One key: 40 bytes.
#[derive(Clone)]
pub(in crate::store) struct Row {
    pub(in crate::store) digest: KeyDigest,
    pub(in crate::store) profile: ClientProfile,
}

const _: () = assert!(size_of::<Row>() == 40);

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

/// The rows whose prefixes share their first `bits` bits, in the order of those prefixes.
pub(super) struct Segment {
    bits: u32,
    /// `starts[b]` is the first row of bucket `b` or of one behind it; as many buckets as rows, cut
    /// from the bits behind the shared ones. Empty where rows are too many for `u16`.
    starts: Box<[u16]>,
    rows: Box<[Row]>,
    /// As long as `rows`, or empty when all marks are clear.
    marks: Box<[Mark]>,
}

impl Segment {
    pub(super) fn new(bits: u32, rows: Vec<(Row, Mark)>) -> Self {
        let (rows, marks) = rows.into_iter().unzip();
        Self::from_parts(bits, rows, marks)
    }

    fn from_parts(bits: u32, rows: Vec<Row>, marks: Vec<Mark>) -> Self {
        let marked = marks.iter().any(|mark| *mark != Mark::CLEAR);
        let mut segment = Self {
            bits,
            starts: Box::default(),
            rows: rows.into_boxed_slice(),
            marks: if marked { marks.into_boxed_slice() } else { Box::default() },
        };
        segment.starts = segment.index();
        segment
    }

    fn index(&self) -> Box<[u16]> {
        let Ok(count) = u16::try_from(self.rows.len()) else { return Box::default() };
        let mut starts = Vec::with_capacity(self.rows.len());
        for (place, row) in (0..count).zip(&self.rows) {
            let bucket = bucket(row.prefix(), self.bits, self.rows.len());
            starts.resize(starts.len().max(bucket + 1), place);
        }
        // The buckets behind the last row start where the rows end.
        starts.resize(self.rows.len(), count);
        starts.into_boxed_slice()
    }

    #[inline]
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The place of the row with this prefix, or the place where it would have to stand.
    #[inline]
    pub(super) fn place(&self, prefix: u64) -> Result<usize, usize> {
        let bucket = bucket(prefix, self.bits, self.starts.len());
        let start = self.starts.get(bucket).map_or(0, |start| usize::from(*start));
        let end = self.starts.get(bucket + 1).map_or(self.rows.len(), |end| usize::from(*end));
        // One row on the average; all of them where the digests are not spread.
        let found = self.rows[start..end].binary_search_by_key(&prefix, Row::prefix);
        found.map(|place| start + place).map_err(|place| start + place)
    }

    #[inline]
    pub(super) fn row(&self, place: usize) -> &Row {
        &self.rows[place]
    }

    #[inline]
    pub(super) fn mark(&self, place: usize) -> Mark {
        self.marks.get(place).copied().unwrap_or(Mark::CLEAR)
    }

    fn all_marks(&self) -> Vec<Mark> {
        (0..self.rows.len()).map(|place| self.mark(place)).collect()
    }

    pub(super) fn with_row(&self, place: usize, row: Row, mark: Mark) -> Self {
        let mut rows = Vec::with_capacity(self.rows.len() + 1);
        rows.extend_from_slice(&self.rows[..place]);
        rows.push(row);
        rows.extend_from_slice(&self.rows[place..]);
        let mut marks = self.all_marks();
        marks.insert(place, mark);
        Self::from_parts(self.bits, rows, marks)
    }

    pub(super) fn with_mark(&self, place: usize, mark: Mark) -> Self {
        let mut marks = self.all_marks();
        marks[place] = mark;
        Self::from_parts(self.bits, self.rows.to_vec(), marks)
    }

    /// Cuts the segment in two at its next bit; each half comes with a prefix that belongs to it.
    pub(super) fn split(&self, prefix: u64) -> [(u64, Self); 2] {
        let bit = 1 << (63 - self.bits);
        let cut = self.rows.partition_point(|row| row.prefix() & bit == 0);
        let half = |range: std::ops::Range<usize>| {
            let marks = range.clone().map(|place| self.mark(place)).collect();
            Self::from_parts(self.bits + 1, self.rows[range].to_vec(), marks)
        };
        [(prefix & !bit, half(0..cut)), (prefix | bit, half(cut..self.rows.len()))]
    }
}

/// Which of `count` buckets a prefix belongs to: the bits behind the shared ones, scaled.
#[inline]
fn bucket(prefix: u64, bits: u32, count: usize) -> usize {
    let scaled = u128::from(prefix << bits) * count as u128;
    // Less than `count`, since the prefix is less than 2^64.
    #[allow(clippy::cast_possible_truncation)]
    let bucket = (scaled >> 64) as usize;
    bucket
}
