use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Row as _, raw_sql};
use tokio::time::timeout;

use super::PostgresStore;
use super::connections::Lease;
use super::error::unavailable;
use super::server::server_columns;
use super::settings::{hex, local_settings};
use crate::error::StoreError;
use crate::store::sql::not_kept;

mod statements;

/// A statement that takes longer is given up: a server that was stopped answers nothing at all.
const PATIENCE: Duration = Duration::from_secs(60);

pub(in crate::store) struct PostgresTransaction {
    lease: Lease,
    writes: bool,
    /// How many rows were written.
    changes: u64,
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

impl PostgresTransaction {
    pub(super) async fn read(store: &PostgresStore) -> Result<Self, StoreError> {
        let begin = "begin isolation level repeatable read read only";
        Self::begin(store, begin, "", false).await
    }

    pub(super) async fn write(store: &PostgresStore) -> Result<Self, StoreError> {
        // Triggers that wait for the commit would rewrite what was read back before it.
        let begin = "begin isolation level read committed; set constraints all immediate";
        // Who is noted in the events.
        let [actor, tool] = [&store.actor, &store.tool].map(|text| {
            let text = text.as_deref().unwrap_or_default();
            format!("pg_catalog.convert_from(pg_catalog.decode('{}', 'hex'), 'UTF8')", hex(text))
        });
        let noted = format!(
            ", pg_catalog.set_config('keygate.actor', {actor}, true), \
             pg_catalog.set_config('keygate.tool', {tool}, true)"
        );
        Self::begin(store, begin, &noted, true).await
    }

    /// Begins in one round trip, on a server that has the keys of the store.
    async fn begin(
        store: &PostgresStore,
        begin: &str,
        columns: &str,
        writes: bool,
    ) -> Result<Self, StoreError> {
        let settings = local_settings!();
        // A change waits for another, and not for a forgotten terminal.
        let begin = format!(
            "{begin}; {settings}set local lock_timeout = '10s'; select {}{columns}",
            server_columns!()
        );
        let mut lease = store.changing.take().await?;
        lease.in_transaction = true;
        let answer = timeout(PATIENCE, async {
            let mut answer = raw_sql(AssertSqlSafe(&*begin)).fetch_one(&mut *lease).await;
            if let Err(error) = &answer
                && lease.is_renewed(error).await?
            {
                answer = raw_sql(AssertSqlSafe(&*begin)).fetch_one(&mut *lease).await;
            }
            answer.map_err(unavailable)
        });
        let row = answer.await.unwrap_or_else(|_| Err(StoreError::timed_out()))?;
        store.server.check(&row, 0)?;
        Ok(Self { lease, writes, changes: 0 })
    }

    /// Makes a change, and returns how many rows were written.
    async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let done = within(statement.persistent(false).execute(&mut *self.lease)).await?;
        self.changes += done.rows_affected();
        Ok(done.rows_affected())
    }

    /// Checks that there is an event for each row that was changed: replicas hear of nothing else.
    async fn check_events(&mut self) -> Result<(), StoreError> {
        let select = "select count(*) from keygate.events where txid = pg_current_xact_id()";
        let row = self.row(sqlx::query(select)).await?;
        let events = row.map_or(Ok(0), |row| count(&row, 0))?;
        if (events as u64) < self.changes {
            let found = "the change was not noted in `keygate.events`".to_owned();
            return Err(not_kept(self, found).await);
        }
        Ok(())
    }

    async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        within(statement.persistent(false).fetch_all(&mut *self.lease)).await
    }

    async fn row(&mut self, statement: Statement<'_>) -> Result<Option<PgRow>, StoreError> {
        within(statement.persistent(false).fetch_optional(&mut *self.lease)).await
    }
}

async fn within<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(unavailable),
        Err(_) => Err(StoreError::timed_out()),
    }
}

fn count(row: &PgRow, index: usize) -> Result<usize, StoreError> {
    let count: i64 = row.try_get(index).map_err(unavailable)?;
    usize::try_from(count).map_err(StoreError::new)
}
