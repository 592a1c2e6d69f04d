use std::pin::pin;
use std::task::{Context, Waker};

use super::pool::PooledConnection;
use crate::error::StoreError;

/// A transaction. Dropping it before the commit rolls it back.
pub(super) struct OpenTransaction {
    connection: PooledConnection,
    is_open: bool,
}

impl OpenTransaction {
    /// Begins a transaction that reads one snapshot of the database.
    pub(super) async fn reader(connection: PooledConnection) -> Result<Self, StoreError> {
        Self::begin(connection, "begin").await
    }

    /// Begins the only writing transaction.
    pub(super) async fn writer(connection: PooledConnection) -> Result<Self, StoreError> {
        // A transaction that reads first could not wait for another writer.
        Self::begin(connection, "begin immediate").await
    }

    async fn begin(connection: PooledConnection, sql: &'static str) -> Result<Self, StoreError> {
        // Open before `begin` completes: if this future is dropped, the statement may still run.
        let mut transaction = Self { connection, is_open: true };
        transaction.connection.run(sql).await?;
        Ok(transaction)
    }

    pub(super) fn connection(&mut self) -> &mut PooledConnection {
        &mut self.connection
    }

    /// Commits. If this fails, nothing has changed.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.connection.run("commit").await?;
        self.is_open = false;
        Ok(())
    }

    pub(super) async fn rollback(mut self) -> Result<(), StoreError> {
        self.connection.run("rollback").await?;
        self.is_open = false;
        Ok(())
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        if self.is_open
            && let Ok(sqlite) = self.connection.sqlite()
        {
            // The first poll sends the statement to the connection's thread, which runs it before any
            // later one. A rollback without a transaction does no harm.
            let rollback = pin!(sqlx::raw_sql("rollback").execute(sqlite));
            let _ = rollback.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}
