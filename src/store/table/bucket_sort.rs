use std::mem;

use super::Row;
use crate::key::PackedStatus;

/// Takes rows in any order, and gives them back in that of their digests.
///
/// They are dealt out by their first bits as they come, since digests are evenly spread: what is left
/// to sort is a few thousand rows at a time, and each such part is freed as soon as it is used.
pub(in crate::store) struct BucketSort {
    parts: Vec<Part>,
    rows: usize,
}

/// In pieces of one size: what grows by moving leaves holes that nothing fits into, at the time when
/// most of the memory is in use.
#[derive(Default)]
struct Part {
    full: Vec<Vec<(Row, PackedStatus)>>,
    last: Vec<(Row, PackedStatus)>,
}

/// Few enough for the ends of all parts to be near at hand, which are written in turns.
const PART_BITS: u32 = 9;

/// As many as a block of the table, which takes the place of a piece.
const PIECE_ROWS: usize = 64;

impl BucketSort {
    pub(in crate::store) fn new() -> Self {
        Self { parts: (0..1 << PART_BITS).map(|_| Part::default()).collect(), rows: 0 }
    }

    pub(in crate::store) fn len(&self) -> usize {
        self.rows
    }

    pub(in crate::store) fn push(&mut self, row: Row, mark: PackedStatus) {
        // Fits: it is less than the number of parts.
        #[allow(clippy::cast_possible_truncation)]
        let part = &mut self.parts[(row.prefix() >> (64 - PART_BITS)) as usize];
        if part.last.len() == part.last.capacity() {
            let full = mem::replace(&mut part.last, Vec::with_capacity(PIECE_ROWS));
            part.full.push(full);
        }
        part.last.push((row, mark));
        self.rows += 1;
    }

    /// The rows, part by part.
    pub(in crate::store) fn sorted(self) -> impl Iterator<Item = Vec<(Row, PackedStatus)>> {
        self.parts.into_iter().map(|Part { full, last }| {
            let mut rows = Vec::with_capacity((full.len() + 1) * PIECE_ROWS);
            rows.extend(full.into_iter().flatten().chain(last));
            rows.sort_unstable_by(|(row, _), (other, _)| {
                let rest = || row.digest.to_bytes().cmp(&other.digest.to_bytes());
                row.prefix().cmp(&other.prefix()).then_with(rest)
            });
            rows
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientProfile;
    use crate::key::KeyDigest;

    #[test]
    fn rows_come_back_in_the_order_of_their_digests() {
        let profile = ClientProfile::new("User 1");
        let digests = (0..40_000_u32).map(|number| KeyDigest::of(&number.to_be_bytes()));
        let ends = [[0; 32], [0xff; 32]].map(KeyDigest::from_bytes);
        // Of one prefix, the greater one first.
        let twins = [[7; 32], [[7; 8], [6; 8], [7; 8], [7; 8]].concat().try_into().unwrap()];
        let digests = digests.chain(ends).chain(twins.map(KeyDigest::from_bytes));
        let mut digests = digests.collect::<Vec<_>>();
        let mut bucket_sort = BucketSort::new();
        for &digest in &digests {
            bucket_sort.push(Row { digest, profile: profile.clone() }, PackedStatus::CLEAR);
        }
        assert_eq!(bucket_sort.len(), digests.len());
        let rows = bucket_sort.sorted().flatten().map(|(row, _)| row.digest.to_bytes());
        digests.sort_by_key(|digest| digest.to_bytes());
        assert!(rows.eq(digests.into_iter().map(KeyDigest::to_bytes)));
    }
}
