//! Where in the history of a database something stands.

use sqlx::postgres::PgRow;
use sqlx::{Error, Row as _};

/// What has been seen of a database.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) database: String,
    /// Where this differs, changes may have come of which no event tells.
    pub(super) feed: String,
    pub(super) visible: Visible,
    pub(super) newest: Newest,
}

impl Position {
    /// Whether this may be the same database at a later time.
    pub(super) fn follows(&self, last: &Self) -> bool {
        self.database == last.database && self.visible.next >= last.visible.next
    }
}

/// One event of each transaction that was seen last: a database that went back in time has lost what
/// came last, and so at least one of these.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest {
    pub(super) seqs: Vec<i64>,
    pub(super) txids: Vec<u64>,
    /// As the server sends them.
    pub(super) times: Vec<u64>,
    /// The greatest number of an event that was seen.
    pub(super) greatest: i64,
    /// Up to here, events came with a dump, and tell nothing of this cluster.
    pub(super) foreign: i64,
}

/// The columns of an event, for [`Newest::add`]. Its time is taken as the server sends it, so that no
/// setting has a say in how it reads.
macro_rules! event_columns {
    () => {
        "e.seq, e.txid::text, pg_catalog.encode(pg_catalog.timestamptz_send(e.at), 'hex')"
    };
}

pub(super) use event_columns;

/// A look at twice as many at each poll costs less than a millisecond.
const MOST: usize = 250;

impl Newest {
    /// Rows come in the order of their transactions; of too many, the last stay.
    pub(super) fn add(&mut self, row: &PgRow) -> Result<(), Error> {
        let number = |text: &str, radix: u32| {
            u64::from_str_radix(text, radix).map_err(|error| Error::Decode(error.into()))
        };
        self.note(row.try_get(0)?, number(row.try_get(1)?, 10)?, number(row.try_get(2)?, 16)?);
        Ok(())
    }

    fn note(&mut self, seq: i64, txid: u64, at: u64) {
        self.greatest = self.greatest.max(seq);
        if seq <= self.foreign || self.txids.last() == Some(&txid) {
            return;
        }
        if self.seqs.len() == 2 * MOST {
            self.seqs.drain(..MOST);
            self.txids.drain(..MOST);
            self.times.drain(..MOST);
        }
        self.seqs.push(seq);
        self.txids.push(txid);
        self.times.push(at);
    }

    pub(super) fn len(&self) -> i64 {
        i64::try_from(self.seqs.len()).unwrap_or(i64::MAX)
    }
}

/// Which transactions are visible: those that began before `next`, the running ones aside
/// (`pg_snapshot`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Visible {
    pub(super) next: u64,
    pub(super) running: Vec<u64>,
}

impl Visible {
    /// Of `xmin:xmax:xip,xip`.
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
    fn of_many_transactions_the_last_stay_with_one_event_each() {
        let mut newest = Newest::default();
        for seq in 0..10_000 {
            newest.note(seq, seq.unsigned_abs() / 2, 0);
        }
        assert_eq!(newest.txids.last(), Some(&4999));
        assert!((MOST..=2 * MOST).contains(&newest.seqs.len()));
        let last = (0..10_000).step_by(2).collect::<Vec<_>>();
        assert!(last.ends_with(&newest.seqs));
    }

    #[test]
    fn what_came_with_a_dump_is_not_among_them() {
        let mut newest = Newest { foreign: 5, ..Newest::default() };
        for (seq, txid) in [(4, 900), (5, 901), (6, 7)] {
            newest.note(seq, txid, 0);
        }
        assert_eq!((newest.seqs, newest.greatest), (vec![6], 6));
    }

    #[test]
    fn snapshots_are_read() {
        let visible = |next, running: &[u64]| Some(Visible { next, running: running.to_vec() });
        assert_eq!(Visible::parse("10:20:10,14,15"), visible(20, &[10, 14, 15]));
        assert_eq!(Visible::parse("7:7:"), visible(7, &[]));
        assert_eq!(Visible::parse("7"), None);
        assert_eq!(Visible::parse("7:7:a"), None);
    }
}
