//! Checks that each response comes from the opened database, and not from a standby.

use sqlx::postgres::PgRow;

use crate::error::StoreError;
use crate::store::sql::Cursor;

/// The columns for [`Server::check`]. They are part of every statement, since another server may respond at any time
/// behind a pooler.
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
    /// Returns whether both have the same tables, or copies of them.
    pub(super) fn has_tables_of(&self, other: &Self) -> bool {
        self.created == other.created
    }

    /// Reads the [`server_columns`] of the opened database.
    pub(super) fn new(row: &PgRow, allows_standby: bool) -> Result<Self, StoreError> {
        let created = read(&mut Cursor::new(row), allows_standby)?.map(str::to_owned);
        Ok(Self { allows_standby, created })
    }

    /// Checks the [`server_columns`] at the cursor.
    pub(super) fn check(&self, cursor: &mut Cursor<'_, PgRow>) -> Result<(), StoreError> {
        if read(cursor, self.allows_standby)? != self.created.as_deref() {
            let why = "PostgreSQL responded with the tables of a different store: the host \
                       name or the pooler leads to another database; if that is intended, restart \
                       the service";
            return Err(StoreError::new(why));
        }
        Ok(())
    }
}

fn read<'r>(
    cursor: &mut Cursor<'r, PgRow>,
    allows_standby: bool,
) -> Result<Option<&'r str>, StoreError> {
    let is_standby = cursor.flag().map_err(StoreError::new)?;
    refuse_standby(is_standby != Some(false) && !allows_standby)?;
    cursor.text().map_err(StoreError::new)
}

/// Refuses a standby, which may lag behind: it would admit revoked keys and refuse new ones.
pub(super) fn refuse_standby(is_refused: bool) -> Result<(), StoreError> {
    if is_refused {
        let why =
            "the PostgreSQL server is a standby, which may lag behind: name the primary in the URL";
        return Err(StoreError::new(why));
    }
    Ok(())
}
