//! What the cards show, kept for a short time where counting takes long.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

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
            Needs::Usage => self.usage.since().is_some(),
            Needs::LongUsage => {
                self.usage.since().is_some_and(|since| since + 90 * DAY <= self.now)
            }
            Needs::File => self.knows_file,
        }
    }
}

/// The last counts. Counting reads all clients and keys, which takes seconds at a million keys.
#[derive(Default)]
pub(crate) struct KeptCounts(Mutex<Option<Kept>>);

struct Kept {
    counts: Arc<Counts>,
    took: Duration,
}

impl Kept {
    /// Returns whether the counts can be shown once more: for ten times as long as they took, and at most a minute. Counts
    /// that took less than 200 ms are made anew each time.
    fn is_current(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.counts.now);
        self.took >= Duration::from_millis(200)
            && age.is_ok_and(|age| age < (10 * self.took).min(Duration::from_secs(60)))
    }
}

impl KeptCounts {
    /// Counts, or returns the last counts. Two views at once count once.
    pub(super) async fn get(&self, app: &App, is_fresh: bool) -> Result<Arc<Counts>, PageError> {
        let mut kept = self.0.lock().await;
        let current = kept.as_ref().filter(|kept| !is_fresh && kept.is_current(app.now()));
        if let Some(current) = current {
            return Ok(Arc::clone(&current.counts));
        }
        let start = Instant::now();
        let counts = Arc::new(Safety::read(app).await?.counts);
        *kept = Some(Kept { counts: Arc::clone(&counts), took: start.elapsed() });
        Ok(counts)
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
            let kept = Kept { counts: Arc::clone(&counts), took };
            assert_eq!(kept.is_current(at(1_000 + age)), is_current, "{took:?} {age}");
        }
        // A clock that was set back.
        let kept = Kept { counts, took: Duration::from_secs(1) };
        assert!(!kept.is_current(at(0)));
    }
}
