use std::sync::Arc;

/// A node of a directory: rows whose prefixes share their first bits.
pub(super) trait Node: Sized {
    /// A directory with fewer rows per slot than this does not double; its nodes grow instead. This only happens with
    /// digests that are not from SHA-256.
    const MIN_ROWS: usize;

    /// The number of leading bits that all rows share.
    fn shared_bits(&self) -> u32;

    fn rows(&self) -> usize;

    /// Returns whether the node must be split before a row with this prefix is added.
    fn is_full(&self, prefix: u64) -> bool;

    /// Splits the node at the first bit that is not shared.
    fn split(&self) -> [Self; 2];
}

/// An extendible hash directory, indexed by the bits of a prefix that follow the bits shared by all rows.
pub(super) struct Directory<T> {
    shared: u32,
    bits: u32,
    rows: usize,
    slots: Box<[Arc<T>]>,
}

impl<T: Node> Directory<T> {
    /// The limit for a directory that is itself a node. Copying its slots costs less than copying the rows of a
    /// segment.
    const MAX_SLOTS: usize = 256;

    /// Creates a directory of `1 << bits` slots.
    pub(super) fn new(shared: u32, bits: u32, slots: Vec<Arc<T>>) -> Self {
        debug_assert_eq!(slots.len(), 1 << bits);
        let mut directory = Self { shared, bits, rows: 0, slots: slots.into_boxed_slice() };
        directory.rows = directory.nodes().map(|node| node.rows()).sum();
        directory
    }

    #[inline]
    fn slot_of(&self, prefix: u64) -> usize {
        // In two steps, since `bits` may be zero and a shift by 64 would overflow. The result is an index of a slot,
        // so it fits.
        #[allow(clippy::cast_possible_truncation)]
        let slot = ((prefix << self.shared) >> 1 >> (63 - self.bits)) as usize;
        slot
    }

    #[inline]
    pub(super) fn node(&self, prefix: u64) -> &Arc<T> {
        &self.slots[self.slot_of(prefix)]
    }

    /// Returns every node once. A node may occupy several slots.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Arc<T>> {
        let mut slot = 0;
        std::iter::from_fn(move || {
            let node = self.slots.get(slot)?;
            slot += self.span(node);
            Some(node)
        })
    }

    /// The number of slots that a node occupies.
    fn span(&self, node: &T) -> usize {
        1 << (self.shared + self.bits - node.shared_bits())
    }

    /// Replaces the node for a prefix in all its slots.
    pub(super) fn put(&mut self, prefix: u64, node: T) {
        self.rows = self.rows + node.rows() - self.node(prefix).rows();
        self.fill_slots(prefix, node);
    }

    fn fill_slots(&mut self, prefix: u64, node: T) {
        let span = self.span(&node);
        let first = self.slot_of(prefix) / span * span;
        self.slots[first..first + span].fill(Arc::new(node));
    }

    /// Splits nodes until the one for this prefix has room for a row, unless the directory cannot double.
    pub(super) fn make_room(&mut self, prefix: u64) {
        while self.node(prefix).is_full(prefix) && self.split_node(prefix) {}
    }

    fn split_node(&mut self, prefix: u64) -> bool {
        if self.needs_doubling(prefix) {
            if !self.can_double() {
                return false;
            }
            let doubled = self.slots.iter().flat_map(|node| [Arc::clone(node), Arc::clone(node)]);
            self.slots = doubled.collect();
            self.bits += 1;
        }
        let node = Arc::clone(self.node(prefix));
        let bit = 1 << (63 - node.shared_bits());
        let [low, high] = node.split();
        self.fill_slots(prefix & !bit, low);
        self.fill_slots(prefix | bit, high);
        true
    }

    /// Returns whether the node for a prefix occupies only one slot.
    fn needs_doubling(&self, prefix: u64) -> bool {
        self.node(prefix).shared_bits() == self.shared + self.bits
    }

    fn can_double(&self) -> bool {
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
            && self.can_double()
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
