use std::time::{Duration, SystemTime};

use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Row as _, raw_sql};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::PostgresStore;
use super::error::{may_have_committed, text, unavailable};
use super::inspect::FOREIGN_TRIGGERS;
use super::pool::{CHANGE_DEADLINE, PooledConnection};
use super::server::{Server, server_columns};
use super::settings::local_settings;
use crate::error::StoreError;
use crate::store::sql::{Database, not_kept};

mod statements;
mod written;

use written::Written;

/// The deadline of a statement: a hanging server never responds.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(60);

pub(in crate::store) struct PostgresTransaction {
    connection: PooledConnection,
    server: Server,
    writes: bool,
    written: Written,
}

/// Overrides the default of the role or the database: a crash must not lose a change that was reported as
/// done. A stronger setting stays.
const SYNCHRONOUS: &str = "set_config('synchronous_commit', case current_setting('synchronous_commit') \
                           when 'remote_apply' then 'remote_apply' else 'on' end, true)";

/// Runs deferred triggers before the change is read back. Any trigger may defer others again, so this runs
/// right before each read.
const RUN_TRIGGERS: &str = "set constraints all immediate; ";

const BEGIN_READ: &str = "begin isolation level repeatable read read only";

/// The longest wait for the confirmation of a commit.
const COMMIT_DEADLINE: Duration = Duration::from_secs(10);

const UNCONFIRMED: &str = "PostgreSQL did not confirm the commit within ten seconds, as when a synchronous \
    standby is missing (`synchronous_standby_names`): the change may still take effect; list keys and \
    clients once commits are confirmed again, before you repeat it";

const INTERRUPTED: &str = "the commit was interrupted: the change may have taken effect; list keys \
    and clients before you repeat it";

const NO_EVENT: &str = "the change was not recorded in `keygate.events`";

type Statement<'q> = Query<'q, Postgres, PgArguments>;

impl Database for PostgresStore {
    type Transaction = PostgresTransaction;

    async fn read(&self) -> Result<PostgresTransaction, StoreError> {
        PostgresTransaction::read(self).await
    }

    async fn write(&self) -> Result<PostgresTransaction, StoreError> {
        PostgresTransaction::write(self).await
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }
}

impl PostgresTransaction {
    async fn read(store: &PostgresStore) -> Result<Self, StoreError> {
        Self::begin(store, BEGIN_READ, "", false).await
    }

    async fn write(store: &PostgresStore) -> Result<Self, StoreError> {
        let sql = "begin isolation level read committed";
        // Recorded in the events.
        let [actor, tool] =
            [&store.actor, &store.tool].map(|text| literal(text.as_deref().unwrap_or_default()));
        let origin = format!(
            ", pg_catalog.set_config('keygate.actor', {actor}, true), \
             pg_catalog.set_config('keygate.tool', {tool}, true), {SYNCHRONOUS}"
        );
        Self::begin(store, sql, &origin, true).await
    }

    async fn begin(
        store: &PostgresStore,
        sql: &str,
        columns: &str,
        writes: bool,
    ) -> Result<Self, StoreError> {
        let (mut connection, server) = (store.changing.acquire().await?, store.server.clone());
        begin(&mut connection, &server, sql, columns).await?;
        Ok(Self { connection, server, writes, written: Written::default() })
    }

    /// Makes a change, and returns the number of written rows.
    async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let done =
            timeout(STATEMENT_DEADLINE, statement.persistent(false).execute(&mut *self.connection))
                .await;
        Ok(completed(&mut self.connection, done).await?.rows_affected())
    }

    /// Checks that each written client and key has an event. Returns whether triggers of others may undo
    /// the change during the commit.
    async fn check_events(&mut self) -> Result<bool, StoreError> {
        let without_event = self.written.without_event();
        let sql = format!(
            "select ({without_event}), exists ({FOREIGN_TRIGGERS}), \
             pg_catalog.pg_current_xact_id()::text"
        );
        let Some(row) = self.plain_row(&sql).await? else { return Ok(true) };
        if count(&row, 0)? > 0 {
            return Err(not_kept(self, NO_EVENT.to_owned()).await);
        }
        self.written.txid = Some(row.try_get(2).map_err(unavailable)?);
        row.try_get(1).map_err(unavailable)
    }

    async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        let rows = timeout(
            STATEMENT_DEADLINE,
            statement.persistent(false).fetch_all(&mut *self.connection),
        )
        .await;
        completed(&mut self.connection, rows).await
    }

    /// Runs a statement without parameters, which takes one round trip instead of two.
    async fn plain_row(&mut self, sql: &str) -> Result<Option<PgRow>, StoreError> {
        let sql = format!("{}{sql}", if self.writes { RUN_TRIGGERS } else { "" });
        let row = raw_sql(AssertSqlSafe(sql)).fetch_optional(&mut *self.connection);
        let row = timeout(STATEMENT_DEADLINE, row).await;
        completed(&mut self.connection, row).await
    }

    /// Reads rows after a change.
    async fn written_rows(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        if self.writes {
            let run =
                timeout(STATEMENT_DEADLINE, raw_sql(RUN_TRIGGERS).execute(&mut *self.connection))
                    .await;
            completed(&mut self.connection, run).await?;
        }
        self.rows(statement).await
    }

    async fn end(&mut self) -> Result<(), StoreError> {
        match timeout(COMMIT_DEADLINE, raw_sql("commit").execute(&mut *self.connection)).await {
            Err(_) => return Err(StoreError::new(UNCONFIRMED)),
            Ok(Err(error)) if may_have_committed(&error) => {
                return Err(StoreError::new(format!("{}; {INTERRUPTED}", text(&error))));
            }
            Ok(done) => done.map_err(unavailable)?,
        };
        self.connection.in_transaction = false;
        Ok(())
    }

    async fn row(&mut self, statement: Statement<'_>) -> Result<Option<PgRow>, StoreError> {
        let row = statement.persistent(false).fetch_optional(&mut *self.connection);
        let row = timeout(STATEMENT_DEADLINE, row).await;
        completed(&mut self.connection, row).await
    }
}

/// Begins a transaction in one round trip, and checks the server.
async fn begin(
    connection: &mut PooledConnection,
    server: &Server,
    sql: &str,
    columns: &str,
) -> Result<(), StoreError> {
    let settings = local_settings!();
    // A change waits for another change, but not for a forgotten session. Timeouts of the role or the
    // database would end it sooner; each statement has a deadline here.
    let sql = format!(
        "{sql}; {settings}set local lock_timeout = '10s'; set local statement_timeout = 0; \
         set local idle_in_transaction_session_timeout = 0; \
         set local bytea_output = hex; select {}{columns}",
        server_columns!()
    );
    connection.in_transaction = true;
    let row = timeout(STATEMENT_DEADLINE, async {
        let mut row = raw_sql(AssertSqlSafe(&*sql)).fetch_one(&mut **connection).await;
        if let Err(error) = &row
            && connection.reconnect_if_lost(error).await?
        {
            row = raw_sql(AssertSqlSafe(&*sql)).fetch_one(&mut **connection).await;
        }
        Ok(row)
    });
    let row = row.await.unwrap_or_else(|_| Err(StoreError::timed_out()))?;
    let row = completed(connection, Ok(row)).await?;
    server.check(&row, 0)
}

/// Quotes a text for a statement without parameters, whatever the server's `standard_conforming_strings`.
/// Decoding it from bytes by a function would add a collation.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Converts the result of a statement.
async fn completed<T>(
    connection: &mut PooledConnection,
    result: Result<Result<T, sqlx::Error>, Elapsed>,
) -> Result<T, StoreError> {
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(connection.explain(error, CHANGE_DEADLINE).await),
        Err(_) => Err(StoreError::timed_out()),
    }
}

fn count(row: &PgRow, index: usize) -> Result<usize, StoreError> {
    let count: i64 = row.try_get(index).map_err(unavailable)?;
    usize::try_from(count).map_err(StoreError::new)
}
