//! Positions in the history of a database.

use std::collections::VecDeque;

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

/// One event of each recent transaction. A database that went back in time has lost its latest changes, and therefore
/// at least one of these.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentEvents {
    pub(super) events: VecDeque<Event>,
    /// The greatest sequence number seen.
    pub(super) greatest: i64,
    /// Events up to this number came from a dump of another cluster.
    pub(super) foreign: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) seq: i64,
    pub(super) txid: u64,
    /// In the server's binary format.
    pub(super) at: u64,
}

/// The columns of an event, for [`RecentEvents::add`]. The time is in the server's binary format, which no
/// setting changes.
macro_rules! event_columns {
    () => {
        "e.seq, e.txid::text, pg_catalog.encode(pg_catalog.timestamptz_send(e.at), 'hex')"
    };
}

pub(super) use event_columns;

/// Checking them takes a poll less than a millisecond.
const KEPT: usize = 500;

impl RecentEvents {
    /// Adds an event. Rows come in the order of their transactions; old events are dropped.
    pub(super) fn add(&mut self, row: &PgRow) -> Result<(), Error> {
        let number = |text: &str, radix: u32| {
            u64::from_str_radix(text, radix).map_err(|error| Error::Decode(error.into()))
        };
        let (txid, at) = (number(row.try_get(1)?, 10)?, number(row.try_get(2)?, 16)?);
        self.push(Event { seq: row.try_get(0)?, txid, at });
        Ok(())
    }

    fn push(&mut self, event: Event) {
        self.greatest = self.greatest.max(event.seq);
        let is_same = |last: &Event| last.txid == event.txid;
        if event.seq <= self.foreign || self.events.back().is_some_and(is_same) {
            return;
        }
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event);
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

    fn seqs(recent: &RecentEvents) -> Vec<i64> {
        recent.events.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn latest_transactions_are_kept_with_one_event_each() {
        let mut recent = RecentEvents::default();
        for seq in 0..10_000 {
            recent.push(Event { seq, txid: seq.unsigned_abs() / 2, at: 0 });
        }
        assert_eq!(recent.greatest, 9_999);
        assert_eq!(seqs(&recent), (9_000..10_000).step_by(2).collect::<Vec<_>>());
    }

    #[test]
    fn events_from_a_dump_are_not_kept() {
        let mut recent = RecentEvents { foreign: 5, ..RecentEvents::default() };
        for (seq, txid) in [(4, 900), (5, 901), (6, 7)] {
            recent.push(Event { seq, txid, at: 0 });
        }
        assert_eq!((seqs(&recent), recent.greatest), (vec![6], 6));
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
