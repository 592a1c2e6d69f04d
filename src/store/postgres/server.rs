//! Whether the server that responds has the keys that were asked for, and all changes of them.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::error::unavailable;
use crate::error::StoreError;

/// The columns for [`Server::check`], without a round trip of their own: behind the name of a pooler,
/// another server may respond at any time.
macro_rules! server_columns {
    () => {
        "pg_catalog.pg_is_in_recovery(), (select extract(epoch from m.applied)::text \
         from keygate.migrations m where m.version = 1)"
    };
}

pub(super) use server_columns;

/// What is known of the server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    allows_standby: bool,
    /// When the tables were first made, which dumps, copies and upgrades keep.
    made: Option<String>,
}

impl Server {
    /// Takes note of the tables by a row of [`server_columns`].
    pub(super) fn new(row: &PgRow, allows_standby: bool) -> Result<Self, StoreError> {
        let server = Self { allows_standby, made: row.try_get(1).map_err(unavailable)? };
        server.check(row, 0)?;
        Ok(server)
    }

    /// Checks the [`server_columns`] that begin at this place.
    pub(super) fn check(&self, row: &PgRow, first: usize) -> Result<(), StoreError> {
        if !self.allows_standby {
            refuse_standby(row, first)?;
        }
        let made: Option<&str> = row.try_get(first + 1).map_err(unavailable)?;
        if made != self.made.as_deref() {
            let why = "PostgreSQL responds with the tables of another store than the one that was \
                       opened: the name or the pooler leads to another database; where that is \
                       meant, restart the service";
            return Err(StoreError::new(why));
        }
        Ok(())
    }
}

/// Refuses a server whose row says `pg_is_in_recovery()` in this place: a standby that lags behind
/// admits revoked keys, and knows no new ones.
pub(super) fn refuse_standby(row: &PgRow, index: usize) -> Result<(), StoreError> {
    if row.try_get(index).map_err(unavailable)? {
        let why =
            "PostgreSQL answers as a standby, which may lag behind: name the primary in the URL";
        return Err(StoreError::new(why));
    }
    Ok(())
}
