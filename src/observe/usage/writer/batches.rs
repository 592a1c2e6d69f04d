//! Makes batches of counts. The caller has the clock and the database.

use std::collections::BTreeMap;
use std::io;

use smol_str::SmolStr;

use crate::key::KeyId;
use crate::observe::OutcomeKind;
use crate::observe::usage::Usage;
use crate::store::usage::{LastUse, UsageBatch, UsageRow};

/// The maximum number of collected rows. Further counts stay in the `Usage`, which takes no memory.
const MAX_ROWS: usize = 100_000;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// After this time, a batch without rows is written, so that readers know that usage is watched.
const HEARTBEAT: u64 = MINUTE;

/// Collects counts, and makes batches of them. Times are seconds since 1970.
pub(super) struct Batches {
    instance: String,
    sequence: u64,
    since: u64,
    has_lost: bool,
    /// Sorted, as the statements need them.
    rows: BTreeMap<Row, u64>,
    collected: u64,
    /// Time of the last batch.
    made: Option<u64>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    minute: u64,
    client: SmolStr,
    key_id: KeyId,
    outcome: &'static str,
}

impl Batches {
    /// Starts at `now`, in nanoseconds since 1970.
    pub(super) fn new(now: u64) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let instance = format!("{:016x}", u64::from_ne_bytes(random));
        let now = now / SECOND;
        Ok(Self {
            instance,
            sequence: 0,
            since: now,
            has_lost: false,
            rows: BTreeMap::new(),
            collected: now,
            made: None,
        })
    }

    /// Takes the new counts of `usage`.
    pub(super) fn collect(&mut self, usage: &Usage) {
        let now = usage.now() / SECOND;
        if self.rows.len() < MAX_ROWS {
            let earlier = self.collected / MINUTE * MINUTE;
            usage.shared.keys.for_each(|key, counts| {
                let mut minute = counts.last_seen() / SECOND / MINUTE * MINUTE;
                // If a minute has just begun, most requests were in the previous one.
                if minute + 1 >= now {
                    minute = earlier.max(minute.saturating_sub(MINUTE)).min(minute);
                }
                counts.take(|kind, count| {
                    let (client, key_id, outcome) = (key.client.clone(), key.of, kind.name());
                    let row = Row { minute, client, key_id, outcome };
                    *self.rows.entry(row).or_default() += count;
                });
            });
            self.collected = now;
        }
    }

    /// Makes a batch of the collected counts, if there are any or it is time for a heartbeat.
    pub(super) fn make(&mut self, now: u64) -> Option<UsageBatch> {
        let now = now / SECOND;
        let is_due = self.made.is_none_or(|made| now.abs_diff(made) >= HEARTBEAT);
        if self.rows.is_empty() && !is_due {
            return None;
        }
        let rolls_up = self.made.is_none_or(|made| made / HOUR != now / HOUR);
        self.made = Some(now);
        self.sequence += 1;
        let rows = std::mem::take(&mut self.rows);
        let last_uses = last_uses(&rows);
        let row = |(row, count): (Row, u64)| {
            let Row { minute, client, key_id, outcome } = row;
            let (client, key_id) = (client.into(), key_id.to_string());
            UsageRow { client, key_id, minute, outcome, count }
        };
        Some(UsageBatch {
            instance: self.instance.clone(),
            sequence: self.sequence,
            since: self.since,
            has_lost: self.has_lost,
            now,
            rows: rows.into_iter().map(row).collect(),
            last_uses,
            rolls_up,
        })
    }

    /// Starts anew after a batch that is not written. Counts since then are still collected.
    pub(super) fn dropped(&mut self, batch: &UsageBatch) {
        if !batch.rows.is_empty() {
            // Its requests may be from any time within its last second.
            self.since = batch.now + 1;
            self.has_lost = true;
        }
    }
}

/// The latest minute in which each key was admitted, in the order of clients and keys.
fn last_uses(rows: &BTreeMap<Row, u64>) -> Vec<LastUse> {
    let mut times: BTreeMap<(&SmolStr, KeyId), u64> = BTreeMap::new();
    for Row { minute, client, key_id, outcome } in rows.keys() {
        if *outcome == OutcomeKind::Admitted.name() {
            // Rows are in the order of minutes.
            times.insert((client, *key_id), *minute);
        }
    }
    let last_use = |((client, key_id), time): ((&SmolStr, KeyId), u64)| LastUse {
        client: client.to_string(),
        key_id: key_id.to_string(),
        time,
    };
    times.into_iter().map(last_use).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// The start of a minute and an hour, in seconds since 1970.
    const START: u64 = 1_800_000_000;

    struct Fixture {
        usage: Usage,
        batches: Batches,
        millis: Arc<AtomicU64>,
    }

    impl Fixture {
        fn new() -> Self {
            let millis = Arc::new(AtomicU64::new(START * 1_000));
            let clock = Arc::clone(&millis);
            let usage = Usage::new().with_clock(move || {
                UNIX_EPOCH + Duration::from_millis(clock.load(Ordering::Relaxed))
            });
            let batches = Batches::new(usage.now()).unwrap();
            Self { usage, batches, millis }
        }

        fn at(&self, millis: u64) {
            self.millis.store(START * 1_000 + millis, Ordering::Relaxed);
        }

        fn call(&self, key: u64) {
            let key_id = format!("{key:016x}").parse().unwrap();
            let (shared, now) = (&self.usage.shared, self.usage.now());
            shared.count("App 1", key_id, OutcomeKind::Admitted, false, now);
        }

        /// The minutes of the next batch and their counts.
        fn batch(&mut self) -> Option<Vec<(u64, u64)>> {
            self.batches.collect(&self.usage);
            let batch = self.batches.make(self.usage.now())?;
            let minute = |row: &UsageRow| ((row.minute - START) / MINUTE, row.count);
            Some(batch.rows.iter().map(minute).collect())
        }
    }

    #[test]
    fn late_thread_counts_requests_in_their_minute() {
        let mut fixture = Fixture::new();
        fixture.call(1);
        assert_eq!(fixture.batch(), Some(vec![(0, 1)]));
        fixture.at(58_000);
        fixture.call(1);
        // Just after the minute, with one request of the next one.
        fixture.at(60_002);
        fixture.call(1);
        assert_eq!(fixture.batch(), Some(vec![(0, 2)]));
        fixture.at(65_000);
        fixture.call(1);
        fixture.at(129_000);
        assert_eq!(fixture.batch(), Some(vec![(1, 1)]));
        fixture.at(300_000);
        fixture.call(1);
        assert_eq!(fixture.batch(), Some(vec![(4, 1)]));
    }

    #[test]
    fn minutes_are_collected_separately_until_the_next_batch() {
        let mut fixture = Fixture::new();
        for minute in 0..5 {
            fixture.at(60_000 * minute + 9_000);
            fixture.call(1);
            fixture.call(1);
            fixture.batches.collect(&fixture.usage);
        }
        assert_eq!(fixture.batch(), Some((0..5).map(|minute| (minute, 2)).collect()));
        let none = fixture.batch();
        assert_eq!(none, None);
    }

    #[test]
    fn idle_writer_writes_one_batch_per_minute() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.batch(), Some(vec![]));
        fixture.at(59_000);
        assert_eq!(fixture.batch(), None);
        fixture.at(60_000);
        assert_eq!(fixture.batch(), Some(vec![]));
    }

    #[test]
    fn watch_starts_anew_after_lost_requests() {
        let mut fixture = Fixture::new();
        let mut next = |seconds: u64, is_used| {
            fixture.at(1_000 * seconds);
            if is_used {
                fixture.call(1);
            }
            fixture.batches.collect(&fixture.usage);
            let batch = fixture.batches.make(fixture.usage.now()).unwrap();
            fixture.batches.dropped(&batch);
            (batch.since - START, batch.has_lost)
        };
        assert_eq!(next(0, false), (0, false));
        assert_eq!(next(3_600, true), (0, false), "nothing was lost before");
        assert_eq!(next(7_200, true), (3_601, true));
        assert_eq!(next(9_000, false), (7_201, true));
        assert_eq!(next(9_900, true), (7_201, true), "nothing was lost since");
    }

    #[test]
    fn older_counts_are_summed_once_an_hour() {
        let mut fixture = Fixture::new();
        let mut rolls_up = |seconds: u64| {
            fixture.at(1_000 * seconds);
            fixture.call(1);
            fixture.batches.collect(&fixture.usage);
            fixture.batches.make(fixture.usage.now()).unwrap().rolls_up
        };
        assert_eq!(
            [0, 10, 3_590, 3_600, 3_610].map(&mut rolls_up),
            [true, false, false, true, false]
        );
    }

    #[test]
    fn rows_are_bounded_and_no_count_is_lost() {
        let mut fixture = Fixture::new();
        for key in 0..MAX_ROWS as u64 {
            fixture.call(key);
        }
        fixture.batches.collect(&fixture.usage);
        fixture.at(70_000);
        fixture.call(1);
        fixture.batches.collect(&fixture.usage);
        assert_eq!(fixture.batches.rows.len(), MAX_ROWS);
        let batch = fixture.batches.make(fixture.usage.now()).unwrap();
        assert_eq!((batch.rows.len(), batch.last_uses.len()), (MAX_ROWS, MAX_ROWS));
        assert_eq!(fixture.batch(), Some(vec![(1, 1)]));
    }
}
