use std::pin::pin;
use std::task::{Context, Waker};

use super::lease::Lease;
use crate::error::StoreError;

/// A transaction that has begun. Dropped without a commit, it leaves no trace.
pub(super) struct OpenTransaction {
    lease: Lease,
    is_open: bool,
}

impl OpenTransaction {
    /// One that sees one state, from its first question on.
    pub(super) async fn reader(lease: Lease) -> Result<Self, StoreError> {
        Self::begin(lease, "begin").await
    }

    /// One that nobody else writes beside.
    pub(super) async fn writer(lease: Lease) -> Result<Self, StoreError> {
        // At once, since one who has read first cannot wait for another who writes.
        Self::begin(lease, "begin immediate").await
    }

    async fn begin(lease: Lease, sql: &'static str) -> Result<Self, StoreError> {
        // Open before it has begun: whoever gives up here does not know how far it came.
        let mut begun = Self { lease, is_open: true };
        begun.execute(sql).await?;
        Ok(begun)
    }

    pub(super) fn lease(&mut self) -> &mut Lease {
        &mut self.lease
    }

    /// Where this fails, nothing was changed.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.execute("commit").await?;
        self.is_open = false;
        Ok(())
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let done = sqlx::raw_sql(sql).execute(self.lease.connection()?).await;
        done.map(drop).map_err(|error| self.lease.fault(error))
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        if self.is_open
            && let Ok(connection) = self.lease.connection()
        {
            // The first poll hands the statement to the thread of the connection, which does it before
            // all that comes after. That there is nothing to roll back is no harm.
            let rollback = pin!(sqlx::raw_sql("rollback").execute(connection));
            let _ = rollback.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}
