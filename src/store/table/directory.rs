use std::sync::Arc;

/// What the slots of a directory hold: rows whose prefixes share their first `bits` bits.
pub(super) trait Node: Sized {
    /// A directory does not double while it has fewer rows than this per slot. SHA-256 spreads too
    /// evenly to ever get here; digests that somebody made up may, and then nodes grow instead.
    const MIN_ROWS: usize;

    /// How many leading bits its rows share.
    fn shared_bits(&self) -> u32;

    fn rows(&self) -> usize;

    /// Whether it must be split before it takes one more row with this prefix.
    fn is_full(&self, prefix: u64) -> bool;

    /// Splits it at the first bit in which its rows differ.
    fn split(&self) -> [Self; 2];
}

/// Finds a node by the bits of a prefix that follow the bits shared by all prefixes here.
pub(super) struct Directory<T> {
    shared: u32,
    bits: u32,
    rows: usize,
    slots: Box<[Arc<T>]>,
}

impl<T: Node> Directory<T> {
    /// The most slots of a directory that is a node itself: copying so many handles costs less than
    /// copying the rows of a segment.
    const MAX_SLOTS: usize = 256;

    /// `slots` are as many as `bits` tell apart.
    pub(super) fn new(shared: u32, bits: u32, slots: Vec<Arc<T>>) -> Self {
        debug_assert_eq!(slots.len(), 1 << bits);
        let mut directory = Self { shared, bits, rows: 0, slots: slots.into_boxed_slice() };
        directory.rows = directory.nodes().map(|node| node.rows()).sum();
        directory
    }

    #[inline]
    fn slot_of(&self, prefix: u64) -> usize {
        // In two steps, since there may be no bits, and a shift by 64 is none. What is left tells the
        // slots apart, so it fits.
        #[allow(clippy::cast_possible_truncation)]
        let slot = ((prefix << self.shared) >> 1 >> (63 - self.bits)) as usize;
        slot
    }

    #[inline]
    pub(super) fn node(&self, prefix: u64) -> &Arc<T> {
        &self.slots[self.slot_of(prefix)]
    }

    /// Every node once: one with few bits stands in several slots.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Arc<T>> {
        let mut slot = 0;
        std::iter::from_fn(move || {
            let node = self.slots.get(slot)?;
            slot += self.span(node);
            Some(node)
        })
    }

    /// In how many slots a node stands.
    fn span(&self, node: &T) -> usize {
        1 << (self.shared + self.bits - node.shared_bits())
    }

    /// Puts a node into every slot that its bits stand for.
    pub(super) fn put(&mut self, prefix: u64, node: T) {
        self.rows = self.rows + node.rows() - self.node(prefix).rows();
        self.place(prefix, node);
    }

    fn place(&mut self, prefix: u64, node: T) {
        let span = self.span(&node);
        let first = self.slot_of(prefix) / span * span;
        self.slots[first..first + span].fill(Arc::new(node));
    }

    /// Splits nodes until the one for this prefix can take a row, if the rows are spread at all.
    pub(super) fn make_room(&mut self, prefix: u64) {
        while self.node(prefix).is_full(prefix) && self.split_node(prefix) {}
    }

    fn split_node(&mut self, prefix: u64) -> bool {
        if self.needs_doubling(prefix) {
            if !self.may_double() {
                return false;
            }
            let twice = self.slots.iter().flat_map(|node| [Arc::clone(node), Arc::clone(node)]);
            self.slots = twice.collect();
            self.bits += 1;
        }
        let node = Arc::clone(self.node(prefix));
        let bit = 1 << (63 - node.shared_bits());
        let [low, high] = node.split();
        self.place(prefix & !bit, low);
        self.place(prefix | bit, high);
        true
    }

    /// Whether there is no bit left to tell the halves of a node apart.
    fn needs_doubling(&self, prefix: u64) -> bool {
        self.node(prefix).shared_bits() == self.shared + self.bits
    }

    fn may_double(&self) -> bool {
        self.rows / T::MIN_ROWS >= self.slots.len() && self.shared + self.bits < 63
    }
}

impl<T: Node> Node for Directory<T> {
    const MIN_ROWS: usize = T::MIN_ROWS * Self::MAX_SLOTS / 4;

    fn shared_bits(&self) -> u32 {
        self.shared
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn is_full(&self, prefix: u64) -> bool {
        self.slots.len() >= Self::MAX_SLOTS
            && self.node(prefix).is_full(prefix)
            && self.needs_doubling(prefix)
            && self.may_double()
    }

    fn split(&self) -> [Self; 2] {
        let (low, high) = self.slots.split_at(self.slots.len() / 2);
        [low, high].map(|half| Self::new(self.shared + 1, self.bits - 1, half.to_vec()))
    }
}

impl<T> Clone for Directory<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared, bits: self.bits, rows: self.rows, slots: self.slots.clone() }
    }
}
