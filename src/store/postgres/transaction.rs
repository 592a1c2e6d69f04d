use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Row as _, raw_sql};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::connections::Lease;
use super::error::{is_lost, text, unavailable};
use super::inspect::FOREIGN_TRIGGERS;
use super::server::{Server, server_columns};
use super::settings::local_settings;
use super::{CHANGE_DEADLINE, PostgresStore};
use crate::error::StoreError;
use crate::store::sql::not_kept;

mod statements;
mod written;

use written::Written;

/// A statement that takes longer is given up: a server that was stopped answers nothing at all.
const PATIENCE: Duration = Duration::from_secs(60);

pub(in crate::store) struct PostgresTransaction {
    lease: Lease,
    server: Server,
    writes: bool,
    written: Written,
}

/// Whatever the role or the database says: a crash may lose no change that was reported as done. A
/// stronger setting stays.
const SYNCHRONOUS: &str = "set_config('synchronous_commit', case current_setting('synchronous_commit') \
                           when 'remote_apply' then 'remote_apply' else 'on' end, true)";

/// Triggers that wait for the commit would rewrite what was read back before it. Any trigger may put
/// others off again, so this stands right before each read.
const TRIGGERS_RUN: &str = "set constraints all immediate; ";

const BEGIN_READ: &str = "begin isolation level repeatable read read only";

/// How long a commit may take to be confirmed.
const COMMIT_DEADLINE: Duration = Duration::from_secs(10);

const UNCONFIRMED: &str = "PostgreSQL did not confirm the commit within ten seconds, as when a synchronous \
    standby is missing (`synchronous_standby_names`): the change may still take effect; list keys and \
    clients once commits are confirmed again, before you repeat it";

const CUT_OFF: &str = "the connection ended during the commit: the change may have taken effect; list keys \
    and clients before you repeat it";

type Statement<'q> = Query<'q, Postgres, PgArguments>;

impl PostgresTransaction {
    pub(super) async fn read(store: &PostgresStore) -> Result<Self, StoreError> {
        Self::begin(store, BEGIN_READ, "", false).await
    }

    pub(super) async fn write(store: &PostgresStore) -> Result<Self, StoreError> {
        let sql = "begin isolation level read committed";
        // Who is noted in the events.
        let [actor, tool] =
            [&store.actor, &store.tool].map(|text| literal(text.as_deref().unwrap_or_default()));
        let noted = format!(
            ", pg_catalog.set_config('keygate.actor', {actor}, true), \
             pg_catalog.set_config('keygate.tool', {tool}, true), {SYNCHRONOUS}"
        );
        Self::begin(store, sql, &noted, true).await
    }

    async fn begin(
        store: &PostgresStore,
        sql: &str,
        columns: &str,
        writes: bool,
    ) -> Result<Self, StoreError> {
        let (mut lease, server) = (store.changing.take().await?, store.server.clone());
        begin(&mut lease, &server, sql, columns).await?;
        Ok(Self { lease, server, writes, written: Written::default() })
    }

    /// Makes a change, and returns how many rows were written.
    async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let done = timeout(PATIENCE, statement.persistent(false).execute(&mut *self.lease)).await;
        Ok(completed(&mut self.lease, done).await?.rows_affected())
    }

    /// Checks that each written client and key has an event. Returns whether triggers of others may undo
    /// the change during the commit.
    async fn check_events(&mut self) -> Result<bool, StoreError> {
        let without_event = self.written.without_event();
        let sql = format!("select ({without_event}), exists ({FOREIGN_TRIGGERS})");
        let Some(row) = self.plain_row(&sql).await? else { return Ok(true) };
        if count(&row, 0)? > 0 {
            let found = "the change was not noted in `keygate.events`".to_owned();
            return Err(not_kept(self, found).await);
        }
        row.try_get(1).map_err(unavailable)
    }

    async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        let rows = timeout(PATIENCE, statement.persistent(false).fetch_all(&mut *self.lease)).await;
        completed(&mut self.lease, rows).await
    }

    /// As [`PostgresTransaction::row`], of a statement without parameters: in one round trip, not two.
    async fn plain_row(&mut self, sql: &str) -> Result<Option<PgRow>, StoreError> {
        let sql = format!("{}{sql}", if self.writes { TRIGGERS_RUN } else { "" });
        let row = raw_sql(AssertSqlSafe(sql)).fetch_optional(&mut *self.lease);
        let row = timeout(PATIENCE, row).await;
        completed(&mut self.lease, row).await
    }

    /// As [`PostgresTransaction::rows`], of what was written.
    async fn written_rows(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        if self.writes {
            let run = timeout(PATIENCE, raw_sql(TRIGGERS_RUN).execute(&mut *self.lease)).await;
            completed(&mut self.lease, run).await?;
        }
        self.rows(statement).await
    }

    async fn end(&mut self) -> Result<(), StoreError> {
        match timeout(COMMIT_DEADLINE, raw_sql("commit").execute(&mut *self.lease)).await {
            Err(_) => return Err(StoreError::new(UNCONFIRMED)),
            Ok(Err(error)) if is_lost(&error) => {
                return Err(StoreError::new(format!("{}; {CUT_OFF}", text(&error))));
            }
            Ok(done) => done.map_err(unavailable)?,
        };
        self.lease.in_transaction = false;
        Ok(())
    }

    async fn row(&mut self, statement: Statement<'_>) -> Result<Option<PgRow>, StoreError> {
        let row = statement.persistent(false).fetch_optional(&mut *self.lease);
        let row = timeout(PATIENCE, row).await;
        completed(&mut self.lease, row).await
    }
}

/// Begins in one round trip, on a server that has the keys of the store.
async fn begin(
    lease: &mut Lease,
    server: &Server,
    sql: &str,
    columns: &str,
) -> Result<(), StoreError> {
    let settings = local_settings!();
    // A change waits for another, and not for a forgotten terminal.
    let sql = format!(
        "{sql}; {settings}set local lock_timeout = '10s'; \
         set local bytea_output = hex; select {}{columns}",
        server_columns!()
    );
    lease.in_transaction = true;
    let row = timeout(PATIENCE, async {
        let mut row = raw_sql(AssertSqlSafe(&*sql)).fetch_one(&mut **lease).await;
        if let Err(error) = &row
            && lease.is_renewed(error).await?
        {
            row = raw_sql(AssertSqlSafe(&*sql)).fetch_one(&mut **lease).await;
        }
        Ok(row)
    });
    let row = row.await.unwrap_or_else(|_| Err(StoreError::timed_out()))?;
    let row = completed(lease, Ok(row)).await?;
    server.check(&row, 0)
}

/// A text in a statement without parameters, however the server reads other literals. A function that
/// makes it of its bytes would bring a collation of its own.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Converts the result of a statement.
async fn completed<T>(
    lease: &mut Lease,
    result: Result<Result<T, sqlx::Error>, Elapsed>,
) -> Result<T, StoreError> {
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(lease.explain(error, CHANGE_DEADLINE).await),
        Err(_) => Err(StoreError::timed_out()),
    }
}

fn count(row: &PgRow, index: usize) -> Result<usize, StoreError> {
    let count: i64 = row.try_get(index).map_err(unavailable)?;
    usize::try_from(count).map_err(StoreError::new)
}
