use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::{Root, Table};

impl Table {
    /// Another table with the same rows, which costs nothing: rows are never changed in place.
    pub(in crate::store) fn fork(&self) -> Self {
        Self {
            root: ArcSwap::new(self.root.load_full()),
            retired: Mutex::new(None),
            live: AtomicUsize::new(self.live()),
        }
    }

    /// Takes over the rows of another table, which has no readers of its own.
    pub(in crate::store) fn replace(&self, other: &Self) {
        self.publish(Root::clone(&other.root.load()));
        // All of the old rows at once is too much to keep until the next change.
        drop(self.retired.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.live.store(other.live(), Ordering::Relaxed);
    }
}
