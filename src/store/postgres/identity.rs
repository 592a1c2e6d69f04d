use sqlx::{Row as _, raw_sql};

use super::PostgresStore;
use super::error::unavailable;
use super::schema::within_deadline;
use super::settings::local_settings;
use crate::store::sql::DatabaseError;

/// The start time of the server, which tells servers apart for every role, and the database. The time as a number does
/// not depend on the session's settings.
const IDENTITY: &str = concat!(
    local_settings!(),
    "select pg_catalog.concat_ws('/', extract(epoch from pg_catalog.pg_postmaster_start_time()), \
     (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))"
);

impl PostgresStore {
    /// Returns whether two stores have the same tables, whatever their URLs: the host, the user and the options may
    /// differ.
    ///
    /// A copy of the tables in another database is a different store.
    ///
    /// # Errors
    ///
    /// A database cannot be reached or does not respond within ten seconds, or it does not allow the role to call
    /// `pg_postmaster_start_time`.
    pub async fn is_same_database(&self, other: &Self) -> Result<bool, DatabaseError> {
        let may_be_same = self.server.has_tables_of(&other.server);
        Ok(may_be_same && self.identity().await? == other.identity().await?)
    }

    async fn identity(&self) -> Result<String, DatabaseError> {
        let mut connection = self.changing.acquire().await?;
        let row =
            async { raw_sql(IDENTITY).fetch_one(&mut *connection).await.map_err(unavailable) };
        let row = within_deadline(row).await?;
        connection.release();
        Ok(row.try_get(0).map_err(unavailable)?)
    }
}
