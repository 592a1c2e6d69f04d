//! Where usage is kept: in PostgreSQL, or in an SQLite file of its own.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

#[cfg(feature = "postgres")]
use super::PostgresStore;
use super::sql;
#[cfg(feature = "sqlite")]
use super::sqlite::UsageFile;
use crate::error::StoreError;

const DAY: u64 = 24 * 60 * 60;

/// If there was no batch for longer than this, in seconds, usage was not watched meanwhile.
pub(crate) const MAX_GAP: u64 = DAY;

/// If there was no batch for longer than this, in seconds, usage may not be watched now. Idle writers write more often.
pub(crate) const MAX_SILENCE: u64 = 60 * 60;

/// Days and last uses are kept for two years.
pub(crate) const DAYS_KEPT: u64 = 731 * DAY;

/// Last uses after this time before now are certainly kept, even if the clock of a writer is ahead by a few hours.
pub(crate) const SURELY_KEPT: u64 = DAYS_KEPT - DAY;

/// The time of the batches, without a gap of more than [`MAX_GAP`]. Times are seconds since 1970.
pub(crate) struct Written {
    pub(crate) since: u64,
    pub(crate) until: u64,
}

/// The counts of an instance since its last batch. Times are seconds since 1970.
pub(crate) struct UsageBatch {
    /// The instance and the number of the batch, so that a batch that is sent twice is counted once.
    pub(crate) instance: String,
    pub(crate) sequence: u64,
    /// The start of the instance, or the end of the last requests that it lost.
    pub(crate) since: u64,
    /// Whether the instance lost requests before `since`, so that no earlier time counts as watched.
    pub(crate) has_lost: bool,
    pub(crate) now: u64,
    pub(crate) rows: Vec<UsageRow>,
    /// The last uses of keys that were admitted.
    pub(crate) last_uses: Vec<LastUse>,
    /// Whether to sum older counts by hour and day, and to remove the oldest.
    pub(crate) rolls_up: bool,
}

/// Requests of one minute with one outcome.
pub(crate) struct UsageRow {
    pub(crate) client: String,
    pub(crate) key_id: String,
    pub(crate) minute: u64,
    pub(crate) outcome: &'static str,
    pub(crate) count: u64,
}

pub(crate) struct LastUse {
    pub(crate) client: String,
    pub(crate) key_id: String,
    pub(crate) time: u64,
}

/// The last use of any key of a client.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientUse {
    pub(crate) client: String,
    pub(crate) time: u64,
}

/// The counts to read. Times are seconds since 1970.
pub(crate) struct CountsQuery<'a> {
    pub(crate) clients: Option<&'a BTreeSet<String>>,
    pub(crate) since: Option<u64>,
    pub(crate) until: Option<u64>,
    pub(crate) group: Group,
}

/// The grouping of counts, in addition to their outcome.
#[derive(Clone, Copy)]
pub(crate) enum Group {
    Client,
    Key,
    /// By time, in buckets of this many seconds.
    Time(u32),
    /// By client, and then by time in buckets of this many seconds.
    ClientTime(u32),
}

/// A sum of counts. Fields that it was not grouped by are empty.
pub(crate) struct CountsRow {
    pub(crate) client: String,
    pub(crate) key_id: String,
    /// The start of the first bucket that was counted.
    pub(crate) start: u64,
    /// The length of the longest bucket that was counted.
    pub(crate) seconds: u64,
    pub(crate) outcome: String,
    pub(crate) count: u64,
}

/// A handle to the tables of usage.
#[derive(Clone)]
pub(crate) enum UsageTables {
    #[cfg(feature = "sqlite")]
    Sqlite(UsageFile),
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresStore>),
}

/// Calls a function with the database.
macro_rules! with_database {
    ($tables:expr, $function:path, $($argument:expr),*) => {
        match $tables {
            #[cfg(feature = "sqlite")]
            UsageTables::Sqlite(file) => file.retrying(|| $function(file, $($argument),*)).await,
            #[cfg(feature = "postgres")]
            UsageTables::Postgres(store) => $function(&**store, $($argument),*).await,
        }
    };
}

impl UsageTables {
    /// Opens a file. With `create`, creates it and its tables first.
    #[cfg(feature = "sqlite")]
    pub(crate) async fn file(path: &Path, create: bool) -> Result<Self, sql::DatabaseError> {
        Ok(Self::Sqlite(UsageFile::open(path, create).await?))
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn postgres(store: &PostgresStore) -> Self {
        Self::Postgres(Box::new(store.for_usage()))
    }

    /// Returns a handle with connections of its own, for another runtime.
    pub(crate) fn separate(&self) -> Self {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(file) => Self::Sqlite(file.clone()),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => Self::postgres(store),
        }
    }

    /// Adds a batch, unless it was added before.
    pub(crate) async fn write(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        with_database!(self, sql::write_usage, batch)
    }

    /// Sums counts, sorted by their groups.
    pub(crate) async fn counts(
        &self,
        query: &CountsQuery<'_>,
    ) -> Result<Vec<CountsRow>, StoreError> {
        with_database!(self, sql::read_counts, query)
    }

    /// Lists when the keys of one client or of all clients were last used.
    pub(crate) async fn last_uses(&self, client: Option<&str>) -> Result<Vec<LastUse>, StoreError> {
        with_database!(self, sql::read_last_uses, client)
    }

    /// Lists clients by their last use, the latest first.
    pub(crate) async fn clients_by_last_use(
        &self,
        limit: usize,
        after: Option<ClientUse>,
    ) -> Result<Vec<ClientUse>, StoreError> {
        with_database!(self, sql::read_clients_by_last_use, limit, after.as_ref())
    }

    /// Lists the last uses of these clients, in the order of names.
    pub(crate) async fn last_uses_of(
        &self,
        clients: BTreeSet<String>,
    ) -> Result<Vec<ClientUse>, StoreError> {
        with_database!(self, sql::read_last_uses_of, &clients)
    }

    /// Returns since when, and until when, usage was written, without a gap of more than a day.
    pub(crate) async fn written(&self) -> Result<Option<Written>, StoreError> {
        with_database!(self, sql::read_watch,)
    }

    /// Describes the place, for `Debug`.
    pub(crate) fn place(&self) -> String {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(file) => file.path().display().to_string(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => format!("{store:?}"),
        }
    }
}

/// Returns whether a folder contains a file, or the target of its link.
#[cfg_attr(not(feature = "sqlite"), allow(dead_code))]
pub(crate) fn is_in(file: &Path, folder: &Path) -> io::Result<bool> {
    let folder = folder.canonicalize()?;
    let file = std::path::absolute(file)?;
    let parents =
        [file.parent().map(Path::to_owned), file.canonicalize()?.parent().map(Path::to_owned)];
    for parent in parents.into_iter().flatten() {
        if parent.canonicalize()? == folder {
            return Ok(true);
        }
    }
    Ok(false)
}
