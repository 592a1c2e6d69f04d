use std::ops::Range;

use bytes::Bytes;
use http::HeaderValue;

use super::keys::{KEY_BYTES, key, mix};

/// The keys that requests present, in an endless cycle.
///
/// They are in one buffer, and header values are slices of it, like those of a server in its read buffer. So presenting
/// a key costs the same however many keys there are.
#[derive(Clone)]
pub(crate) struct Probes {
    texts: Bytes,
    next: usize,
}

impl Probes {
    pub(crate) fn new(numbers: impl IntoIterator<Item = u64>) -> Self {
        let texts: Vec<u8> = numbers.into_iter().flat_map(key).collect();
        Self { texts: texts.into(), next: 0 }
    }

    /// This number of random picks of the keys below `size`.
    pub(crate) fn picks(size: u64, count: u64) -> Self {
        Self::new(picks(size, 0..count))
    }

    #[inline]
    pub(crate) fn value(&mut self) -> HeaderValue {
        let end = self.next + KEY_BYTES;
        let text = self.texts.slice(self.next..end);
        self.next = if end == self.texts.len() { 0 } else { end };
        HeaderValue::from_maybe_shared(text).expect("keys are ASCII")
    }
}

/// Random keys below `size`. The same picks return the same keys.
pub(crate) fn picks(size: u64, picks: Range<u64>) -> impl Iterator<Item = u64> {
    // Counted from the other end, so that they are independent of the texts of the keys.
    picks.map(move |pick| mix(!pick) % size)
}
