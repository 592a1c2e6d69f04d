//! What the cards show, kept for a short time where counting takes long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::cards::Needs;
use super::{KeptUsage, Safety};
use crate::app::App;
use crate::error::PageError;
use crate::view::time::DAY;

/// The numbers of the cards, and what could not be counted.
pub(crate) struct Counts {
    pub(super) keys: usize,
    /// In the order of the cards.
    pub(super) found: Vec<usize>,
    pub(super) unreadable: Vec<String>,
    pub(super) usage: KeptUsage,
    /// When they were counted.
    pub(super) now: SystemTime,
    /// Whether the file of the keys was read, or the store has none.
    pub(super) knows_file: bool,
}

impl Counts {
    /// Returns whether this can be known here.
    pub(super) fn knows(&self, needs: Needs) -> bool {
        match needs {
            Needs::Lists => true,
            Needs::Usage => self.usage.watched().is_some(),
            Needs::LongUsage => {
                self.usage.watched().is_some_and(|watched| watched.start + 90 * DAY <= self.now)
            }
            Needs::File => self.knows_file,
        }
    }
}

/// The last counts. Counting reads all clients and keys, which takes seconds at a million keys.
#[derive(Default)]
pub(crate) struct KeptCounts {
    last: Mutex<Option<Kept>>,
    /// The number of requests so far that may have changed something.
    changes: AtomicU64,
}

struct Kept {
    counts: Arc<Counts>,
    took: Duration,
    /// The number of changes before counting.
    changes: u64,
}

impl Kept {
    /// Returns whether the counts can be shown once more: for ten times as long as they took, and at most a minute. Counts
    /// that took less than 200 ms are made anew each time, as are those from before the latest change on the page.
    fn is_current(&self, now: SystemTime, changes: u64) -> bool {
        let age = now.duration_since(self.counts.now);
        self.changes == changes
            && self.took >= Duration::from_millis(200)
            && age.is_ok_and(|age| age < (10 * self.took).min(Duration::from_secs(60)))
    }
}

impl KeptCounts {
    /// Counts, or returns the last counts, and whether they are the last ones. Two views at once count once.
    pub(super) async fn get(
        &self,
        app: &App,
        is_fresh: bool,
    ) -> Result<(Arc<Counts>, bool), PageError> {
        let mut last = self.last.lock().await;
        let changes = self.changes.load(Ordering::Acquire);
        let current = last.as_ref().filter(|kept| !is_fresh && kept.is_current(app.now(), changes));
        if let Some(current) = current {
            return Ok((Arc::clone(&current.counts), true));
        }
        let start = app.now();
        let counts = Arc::new(Safety::read(app).await?.counts);
        let took = app.now().duration_since(start).unwrap_or_default();
        *last = Some(Kept { counts: Arc::clone(&counts), took, changes });
        Ok((counts, false))
    }

    /// Ends the use of the last counts, because a request may have changed something.
    pub(crate) fn end(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counts_that_took_long_are_kept_and_not_for_long() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let usage = KeptUsage::NotGiven;
        let (found, unreadable) = (Vec::new(), Vec::new());
        let counts =
            Counts { keys: 0, found, unreadable, usage, now: at(1_000), knows_file: false };
        let counts = Arc::new(counts);
        for (took, age, is_current) in [
            (0, 0, false),
            (199, 0, false),
            (200, 0, true),
            (200, 1_999, true),
            (200, 2_000, false),
            (20_000, 59_999, true),
            (20_000, 60_000, false),
        ] {
            let took = Duration::from_millis(took);
            let kept = Kept { counts: Arc::clone(&counts), took, changes: 7 };
            assert_eq!(kept.is_current(at(1_000 + age), 7), is_current, "{took:?} {age}");
        }
        // A clock that was set back.
        let kept = Kept { counts, took: Duration::from_secs(1), changes: 7 };
        assert!(!kept.is_current(at(0), 7));
        assert!(kept.is_current(at(1_000), 7) && !kept.is_current(at(1_000), 8));
    }
}
