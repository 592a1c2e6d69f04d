use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::{Root, Table};

impl Table {
    /// Returns an independent table with the same rows. It is cheap, since rows are never changed in place.
    pub(in crate::store) fn fork(&self) -> Self {
        Self {
            root: ArcSwap::new(self.root.load_full()),
            retired: Mutex::new(None),
            live: AtomicUsize::new(self.live()),
        }
    }

    /// Replaces the rows with those of another table, which has no readers.
    pub(in crate::store) fn replace(&self, other: &Self) {
        self.publish(Root::clone(&other.root.load()));
        // The retired root may hold all of the old rows, too many to keep until the next change.
        drop(self.retired.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.live.store(other.live(), Ordering::Relaxed);
    }
}
