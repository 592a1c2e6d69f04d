//! Positions in the history of a database.

use sqlx::postgres::PgRow;
use sqlx::{Error, Row as _};

/// The last state of the database that the replica has seen.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) database: String,
    /// Differs if changes without events may have happened.
    pub(super) feed: String,
    pub(super) visible: VisibleTransactions,
    pub(super) recent: RecentEvents,
}

impl Position {
    /// Returns whether this may be the same database at a later time.
    pub(super) fn follows(&self, last: &Self) -> bool {
        self.database == last.database && self.visible.next >= last.visible.next
    }
}

/// One event of each recent transaction. A database that went back in time has lost its latest changes, and
/// so at least one of these.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentEvents {
    pub(super) seqs: Vec<i64>,
    pub(super) txids: Vec<u64>,
    /// In the server's binary format.
    pub(super) times: Vec<u64>,
    /// The greatest sequence number seen.
    pub(super) greatest: i64,
    /// Events up to this number came with a dump of another cluster.
    pub(super) foreign: i64,
}

/// The columns of an event, for [`RecentEvents::add`]. The time is in the server's binary format, which no
/// setting changes.
macro_rules! event_columns {
    () => {
        "e.seq, e.txid::text, pg_catalog.encode(pg_catalog.timestamptz_send(e.at), 'hex')"
    };
}

pub(super) use event_columns;

/// Checking twice as many events takes a poll less than a millisecond.
const MIN_KEPT: usize = 250;

impl RecentEvents {
    /// Adds an event. Rows come in the order of their transactions; old events are dropped.
    pub(super) fn add(&mut self, row: &PgRow) -> Result<(), Error> {
        let number = |text: &str, radix: u32| {
            u64::from_str_radix(text, radix).map_err(|error| Error::Decode(error.into()))
        };
        self.push(row.try_get(0)?, number(row.try_get(1)?, 10)?, number(row.try_get(2)?, 16)?);
        Ok(())
    }

    fn push(&mut self, seq: i64, txid: u64, at: u64) {
        self.greatest = self.greatest.max(seq);
        if seq <= self.foreign || self.txids.last() == Some(&txid) {
            return;
        }
        if self.seqs.len() == 2 * MIN_KEPT {
            self.seqs.drain(..MIN_KEPT);
            self.txids.drain(..MIN_KEPT);
            self.times.drain(..MIN_KEPT);
        }
        self.seqs.push(seq);
        self.txids.push(txid);
        self.times.push(at);
    }

    pub(super) fn len(&self) -> i64 {
        i64::try_from(self.seqs.len()).unwrap_or(i64::MAX)
    }
}

/// A `pg_snapshot`: transactions with an id below `next` are visible, except those still running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VisibleTransactions {
    pub(super) next: u64,
    pub(super) running: Vec<u64>,
}

impl VisibleTransactions {
    /// Parses `xmin:xmax:xip,xip`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once(':')?;
        let (next, running) = rest.split_once(':')?;
        let running = running.split(',').filter(|id| !id.is_empty()).map(|id| id.parse().ok());
        Some(Self { next: next.parse().ok()?, running: running.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_transactions_are_kept_with_one_event_each() {
        let mut recent = RecentEvents::default();
        for seq in 0..10_000 {
            recent.push(seq, seq.unsigned_abs() / 2, 0);
        }
        assert_eq!(recent.txids.last(), Some(&4999));
        assert!((MIN_KEPT..=2 * MIN_KEPT).contains(&recent.seqs.len()));
        let last = (0..10_000).step_by(2).collect::<Vec<_>>();
        assert!(last.ends_with(&recent.seqs));
    }

    #[test]
    fn events_from_a_dump_are_not_kept() {
        let mut recent = RecentEvents { foreign: 5, ..RecentEvents::default() };
        for (seq, txid) in [(4, 900), (5, 901), (6, 7)] {
            recent.push(seq, txid, 0);
        }
        assert_eq!((recent.seqs, recent.greatest), (vec![6], 6));
    }

    #[test]
    fn snapshots_are_parsed() {
        let visible =
            |next, running: &[u64]| Some(VisibleTransactions { next, running: running.to_vec() });
        assert_eq!(VisibleTransactions::parse("10:20:10,14,15"), visible(20, &[10, 14, 15]));
        assert_eq!(VisibleTransactions::parse("7:7:"), visible(7, &[]));
        assert_eq!(VisibleTransactions::parse("7"), None);
        assert_eq!(VisibleTransactions::parse("7:7:a"), None);
    }
}
