use std::ops::Range;

use bytes::Bytes;
use http::HeaderValue;

use super::keys::{KEY_BYTES, key, mix};

/// The keys that requests present, one after the other, round and round.
///
/// They lie in one buffer, and a header value is a slice of it, as a server's are of what it has
/// read: so presenting a key costs the same however many there are.
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

    /// So many picks, at random, of the keys below `size`.
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

/// Keys below `size`, at random; the same ones for the same picks.
pub(crate) fn picks(size: u64, picks: Range<u64>) -> impl Iterator<Item = u64> {
    // Counted from the far end, so that they have nothing to do with the texts of the keys.
    picks.map(move |pick| mix(!pick) % size)
}
