//! Checks that each response comes from the opened database, and not from a standby.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::error::unavailable;
use crate::error::StoreError;

/// The columns for [`Server::check`], part of every statement: behind a pooler, another server may respond
/// at any time.
macro_rules! server_columns {
    () => {
        "pg_catalog.pg_is_in_recovery(), (select extract(epoch from m.applied)::text \
         from keygate.migrations m where m.version = 1)"
    };
}

pub(super) use server_columns;

/// The expected server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    allows_standby: bool,
    /// The time of the first migration, which dumps, copies and upgrades preserve.
    created: Option<String>,
}

impl Server {
    /// Reads a row of [`server_columns`] of the opened database.
    pub(super) fn new(row: &PgRow, allows_standby: bool) -> Result<Self, StoreError> {
        let server = Self { allows_standby, created: row.try_get(1).map_err(unavailable)? };
        server.check(row, 0)?;
        Ok(server)
    }

    /// Checks the [`server_columns`] that begin at this index.
    pub(super) fn check(&self, row: &PgRow, first: usize) -> Result<(), StoreError> {
        if !self.allows_standby {
            refuse_standby(row, first)?;
        }
        let created: Option<&str> = row.try_get(first + 1).map_err(unavailable)?;
        if created != self.created.as_deref() {
            let why = "PostgreSQL responds with the tables of another store than the opened one: the host \
                       name or the pooler leads to another database; if that is intended, restart \
                       the service";
            return Err(StoreError::new(why));
        }
        Ok(())
    }
}

/// Refuses a standby, by the column `pg_is_in_recovery()`: it may lag behind, admit revoked keys and refuse
/// new ones.
pub(super) fn refuse_standby(row: &PgRow, index: usize) -> Result<(), StoreError> {
    if row.try_get(index).map_err(unavailable)? {
        let why =
            "the PostgreSQL server is a standby, which may lag behind: name the primary in the URL";
        return Err(StoreError::new(why));
    }
    Ok(())
}
