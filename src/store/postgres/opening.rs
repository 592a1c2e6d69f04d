use std::sync::Arc;
use std::time::SystemTime;

use sqlx::raw_sql;
use tokio::time::timeout;

use super::error::unavailable;
use super::pool::{CHANGE_DEADLINE, Pool};
use super::schema::{self, within_deadline};
use super::server::{Server, server_columns};
use super::settings::local_settings;
use super::{PostgresOptions, PostgresStore, inspect};
use crate::error::StoreError;
use crate::manage::ChangeContext;
use crate::store::sql::{DatabaseError, DatabaseFinding};

const SERVER: &str = concat!(local_settings!(), "select ", server_columns!());

const NOT_MIGRATED: &str = "PostgreSQL did not migrate the tables within twenty minutes";

impl PostgresOptions {
    /// Connects to a database whose tables exist: see [`PostgresStore::connect`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::connect`].
    pub async fn connect(self) -> Result<PostgresStore, DatabaseError> {
        open(&self, false).await
    }

    /// Creates or updates the tables, and connects: see [`PostgresStore::migrate`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::migrate`].
    pub async fn migrate(self) -> Result<PostgresStore, DatabaseError> {
        open(&self, true).await
    }

    /// Inspects a database for problems that keep it from being used, or that can hide, delay or rewrite changes.
    ///
    /// Changes nothing. If the tables are missing or of another version, that is the only finding.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, or does not respond within ten seconds.
    pub async fn inspect(self) -> Result<Vec<DatabaseFinding>, DatabaseError> {
        inspect::inspect(&self).await
    }
}

async fn open(options: &PostgresOptions, migrate: bool) -> Result<PostgresStore, DatabaseError> {
    let lookup_deadline = options.lookup_deadline;
    let connections = Pool::new(options, options.max_connections, lookup_deadline);
    let changing = Pool::new(options, 1, CHANGE_DEADLINE);
    // Uses the deadline of changes, since many instances that start at once slow down the server.
    let mut connection = changing.acquire().await?;
    if migrate {
        let migrated = timeout(schema::MIGRATE_DEADLINE, schema::migrate(&mut connection)).await;
        migrated.map_err(|_| StoreError::new(NOT_MIGRATED))??;
    } else {
        within_deadline(schema::check(&mut connection)).await?;
    }
    let row = async { raw_sql(SERVER).fetch_one(&mut *connection).await.map_err(unavailable) };
    let server = Server::new(&within_deadline(row).await?, options.allows_standby)?;
    connection.release();
    Ok(PostgresStore {
        connections,
        changing,
        lookup_deadline,
        through_pooler: options.through_pooler,
        server,
        clock: Arc::new(SystemTime::now),
        context: ChangeContext::default(),
        tool: None,
    })
}
