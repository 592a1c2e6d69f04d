use std::time::{Duration, SystemTime};

use sqlx::postgres::{PgRow, Postgres};
use sqlx::{AssertSqlSafe, raw_sql};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::PostgresStore;
use super::dialect::{bind_column, insert_statement};
use super::error::{may_have_committed, text, unavailable};
use super::inspect::{self, FOREIGN_TRIGGERS};
use super::pool::{CHANGE_DEADLINE, PooledConnection};
use super::server::{Server, server_columns};
use super::settings::local_settings;
use crate::error::StoreError;
use crate::key::KeyId;
use crate::manage::{ChangeContext, Policy};
use crate::store::sql::{
    Cursor, Database, Table, Transaction, Value, not_kept, not_read_back, policy_of,
};

mod literals;
mod written;

use literals::{literal, with_literals};
use written::Written;

/// The deadline of a statement: a hanging server never responds.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    WriteByPolicy,
}

pub(in crate::store) struct PostgresTransaction {
    connection: PooledConnection,
    server: Server,
    writes: bool,
    is_dry_run: bool,
    written: Written,
    /// The policy, if it was read at the beginning of the transaction.
    policy: Option<Result<Policy, StoreError>>,
}

/// Overrides the default of the role or the database: a crash must not lose a change that was reported as
/// done. A stronger setting is kept.
const SYNCHRONOUS: &str = "set_config('synchronous_commit', case current_setting('synchronous_commit') \
                           when 'remote_apply' then 'remote_apply' else 'on' end, true)";

/// Runs deferred triggers before the change is read back. A trigger may defer others again, so this runs right before
/// each read.
const RUN_TRIGGERS: &str = "set constraints all immediate; ";

const BEGIN_READ: &str = "begin isolation level repeatable read read only";

/// The longest wait for the confirmation of a commit.
const COMMIT_DEADLINE: Duration = Duration::from_secs(10);

const UNCONFIRMED: &str = "PostgreSQL did not confirm the commit within ten seconds, for example \
    because a synchronous standby is missing (`synchronous_standby_names`): the change may still \
    take effect; list keys and \
    clients once commits are confirmed again, before you repeat it";

const INTERRUPTED: &str = "the commit was interrupted: the change may have taken effect; list keys \
    and clients before you repeat it";

const NO_EVENT: &str = "the change was not recorded in `keygate.events`";

impl Database for PostgresStore {
    type Transaction = PostgresTransaction;

    async fn read(&self) -> Result<PostgresTransaction, StoreError> {
        PostgresTransaction::begin(self, Kind::Read).await
    }

    async fn write(&self) -> Result<PostgresTransaction, StoreError> {
        PostgresTransaction::begin(self, Kind::Write).await
    }

    /// Reads the policy in the round trip that begins the transaction.
    async fn write_by_policy(&self) -> Result<PostgresTransaction, StoreError> {
        PostgresTransaction::begin(self, Kind::WriteByPolicy).await
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }

    fn context(&self) -> &ChangeContext {
        &self.context
    }
}

/// The columns of the policy, for [`policy_of`].
const POLICY: &str = ", (select max_lifetime from keygate.policy), \
    (select default_lifetime from keygate.policy), (select require_expiry from keygate.policy)";

const BEGIN_WRITE: &str = "begin isolation level read committed";

/// Returns the columns that set what the events record.
fn settings(store: &PostgresStore) -> String {
    let [actor, tool] = [store.context.actor(), store.tool.as_deref()]
        .map(|text| literal(text.unwrap_or_default()));
    format!(
        ", pg_catalog.set_config('keygate.actor', {actor}, true), \
         pg_catalog.set_config('keygate.tool', {tool}, true), {SYNCHRONOUS}"
    )
}

/// The number of rows per statement: few round trips, and statements of some megabytes.
const BATCH: usize = 5_000;

impl PostgresTransaction {
    async fn begin(store: &PostgresStore, kind: Kind) -> Result<Self, StoreError> {
        let (sql, columns) = match kind {
            Kind::Read => (BEGIN_READ, String::new()),
            Kind::Write => (BEGIN_WRITE, settings(store)),
            Kind::WriteByPolicy => (BEGIN_WRITE, POLICY.to_owned() + &settings(store)),
        };
        let (mut connection, server) = (store.changing.acquire().await?, store.server.clone());
        let row = begin(&mut connection, sql, &columns).await?;
        let mut cursor = Cursor::new(&row);
        server.check(&mut cursor)?;
        let policy = (kind == Kind::WriteByPolicy).then(|| policy_of(&mut cursor));
        let (writes, written) = (kind != Kind::Read, Written::default());
        let is_dry_run = store.context.is_dry_run();
        Ok(Self { connection, server, writes, is_dry_run, written, policy })
    }

    /// Runs a statement without parameters, which takes one round trip instead of two.
    async fn fetch(&mut self, sql: &str) -> Result<Vec<PgRow>, StoreError> {
        let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(&mut *self.connection);
        let rows = timeout(STATEMENT_DEADLINE, rows).await;
        completed(&mut self.connection, rows).await
    }

    /// Checks that each written client and key has an event. Returns whether foreign triggers may undo the change
    /// during the commit.
    async fn check_events(&mut self) -> Result<bool, StoreError> {
        let sql = format!(
            "{RUN_TRIGGERS}select ({}), exists ({FOREIGN_TRIGGERS}), \
             pg_catalog.pg_current_xact_id()::text",
            self.written.without_event()
        );
        let rows = self.fetch(&sql).await?;
        let Some(row) = rows.first() else { return Ok(true) };
        let mut cursor = Cursor::new(row);
        if cursor.count().map_err(StoreError::new)? > 0 {
            return Err(not_kept(self, NO_EVENT.to_owned()).await);
        }
        let may_be_undone = cursor.flag().map_err(StoreError::new)?;
        self.written.txid = cursor.text().map_err(StoreError::new)?.map(str::to_owned);
        Ok(may_be_undone != Some(false))
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
}

impl Transaction for PostgresTransaction {
    type Dialect = Postgres;

    async fn rows(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<PgRow>, StoreError> {
        let is_impossible = |value: &Value<'_>| match value {
            // The server refuses texts with a zero byte, so no row has one.
            Value::Text(text) => text.as_ref().is_some_and(|text| text.contains('\0')),
            // Callers leave such texts out of lists.
            Value::Texts(_)
            | Value::Bytes(_)
            | Value::Flag(_)
            | Value::Number(_)
            | Value::Time(_) => false,
        };
        if values.iter().any(is_impossible) {
            return Ok(Vec::new());
        }
        self.fetch(&with_literals(sql, values)).await
    }

    async fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        self.fetch(&with_literals(sql, values)).await.map(drop)
    }

    async fn insert<T: Sync>(
        &mut self,
        table: &'static Table<T>,
        rows: &[T],
    ) -> Result<bool, StoreError> {
        let sql = insert_statement(table);
        for rows in rows.chunks(BATCH) {
            let statement = sqlx::query(AssertSqlSafe(&*sql));
            let bind = |statement, column| bind_column(statement, column, rows);
            let statement = table.columns.iter().fold(statement, bind).persistent(false);
            let done = timeout(STATEMENT_DEADLINE, statement.execute(&mut *self.connection)).await;
            let done = completed(&mut self.connection, done).await?;
            if done.rows_affected() != rows.len() as u64 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn policy(&mut self) -> Result<Policy, StoreError> {
        match &self.policy {
            Some(policy) => policy.clone(),
            None => self.read_policy().await,
        }
    }

    async fn lock_policy(&mut self) -> Result<(), StoreError> {
        // It lets others read the policy.
        self.execute("lock table keygate.policy in share row exclusive mode", &[]).await
    }

    fn note_client(&mut self, name: &str) {
        self.written.clients.push(name.to_owned());
    }

    fn note_key(&mut self, key_id: KeyId) {
        self.written.keys.push(key_id);
    }

    fn run_triggers(&self) -> &'static str {
        if self.writes { RUN_TRIGGERS } else { "" }
    }

    fn lock(&self) -> &'static str {
        if self.writes { " for update" } else { "" }
    }

    async fn foreign_triggers(&mut self) -> Result<Vec<String>, StoreError> {
        let triggers =
            timeout(STATEMENT_DEADLINE, inspect::foreign_triggers(&mut self.connection)).await;
        completed(&mut self.connection, triggers).await
    }

    async fn missing_events(&mut self) -> Result<Option<String>, StoreError> {
        let missing = self.count(&self.written.without_event(), &[]).await?;
        Ok((missing > 0).then(|| NO_EVENT.to_owned()))
    }

    async fn commit(mut self) -> Result<Option<Self>, StoreError> {
        let may_be_undone = self.writes && !self.written.is_empty() && self.check_events().await?;
        if self.writes && self.is_dry_run {
            self.fetch("rollback").await?;
            self.connection.in_transaction = false;
            self.connection.release();
            return Ok(None);
        }
        self.end().await?;
        if !may_be_undone {
            self.connection.release();
            return Ok(None);
        }
        let row = begin(&mut self.connection, BEGIN_READ, "").await.map_err(not_read_back)?;
        self.server.check(&mut Cursor::new(&row)).map_err(not_read_back)?;
        Ok(Some(Self { writes: false, ..self }))
    }
}

/// Begins a transaction in one round trip, and returns the columns of the server and others.
async fn begin(
    connection: &mut PooledConnection,
    sql: &str,
    columns: &str,
) -> Result<PgRow, StoreError> {
    let settings = local_settings!();
    // A change waits for another change, but not for a forgotten session. Each statement has its own deadline here, so
    // the timeouts of the role or the database are disabled.
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
    completed(connection, Ok(row)).await
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
