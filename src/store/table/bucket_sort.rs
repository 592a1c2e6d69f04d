use std::mem;

use super::Row;
use crate::key::PackedStatus;

/// Sorts rows by digest.
///
/// Rows are put into buckets by their first bits. Digests are evenly distributed, so a bucket has a few thousand rows
/// to sort, and its memory is freed as soon as it has been used.
pub(in crate::store) struct BucketSort {
    buckets: Vec<Bucket>,
    rows: usize,
}

/// Rows in pieces of one size. Growing vectors would fragment the heap when memory use is at its peak.
#[derive(Default)]
struct Bucket {
    full: Vec<Vec<(Row, PackedStatus)>>,
    last: Vec<(Row, PackedStatus)>,
}

/// Few enough buckets for the ends of all of them to stay in the cache.
const BUCKET_BITS: u32 = 9;

/// The same number as in a block of the table, which can then reuse the memory of a piece.
const PIECE_ROWS: usize = 64;

impl BucketSort {
    pub(in crate::store) fn new() -> Self {
        Self { buckets: (0..1 << BUCKET_BITS).map(|_| Bucket::default()).collect(), rows: 0 }
    }

    pub(in crate::store) fn len(&self) -> usize {
        self.rows
    }

    pub(in crate::store) fn push(&mut self, row: Row, status: PackedStatus) {
        // Fits: it is less than the number of buckets.
        #[allow(clippy::cast_possible_truncation)]
        let bucket = &mut self.buckets[(row.prefix() >> (64 - BUCKET_BITS)) as usize];
        if bucket.last.len() == bucket.last.capacity() {
            let full = mem::replace(&mut bucket.last, Vec::with_capacity(PIECE_ROWS));
            bucket.full.push(full);
        }
        bucket.last.push((row, status));
        self.rows += 1;
    }

    /// Returns the sorted rows, bucket by bucket.
    pub(in crate::store) fn sorted(self) -> impl Iterator<Item = Vec<(Row, PackedStatus)>> {
        self.buckets.into_iter().map(|Bucket { full, last }| {
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
    fn rows_are_sorted_by_digest() {
        let profile = ClientProfile::new("User 1");
        let digests = (0..40_000_u32).map(|number| KeyDigest::of(&number.to_be_bytes()));
        let ends = [[0; 32], [0xff; 32]].map(KeyDigest::from_bytes);
        // Two digests with the same prefix, the greater one first.
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
