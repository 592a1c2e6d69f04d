use std::time::SystemTime;

use sqlx::AssertSqlSafe;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};

use super::SqliteStore;
use super::dialect::{bind, insert_statement, insert_values};
use super::inspect::foreign_triggers;
use super::open_transaction::OpenTransaction;
use crate::error::StoreError;
use crate::manage::ChangeContext;
use crate::store::sql::{Database, Table, Transaction, Value, Values as _, not_kept};

const SET_ORIGIN: &str =
    "insert or replace into keygate_origin (only_one, actor, tool) values (1, ?1, ?2)";
const CLEAR_ORIGIN: &str = "delete from keygate_origin";
/// The number of rows changed by this connection, including those changed by triggers.
const TOTAL_CHANGES: &str = "select total_changes()";
const LAST_EVENT: &str = "select coalesce(max(seq), 0) from keygate_events";
const EVENTS: &str = "select count(*) from keygate_events where seq > ?1";

/// A transaction of a [`SqliteStore`].
pub(in crate::store) struct SqliteTransaction {
    pub(super) open: OpenTransaction,
    /// `None` in a transaction that changes no keys.
    pub(super) written: Option<Written>,
    pub(super) is_dry_run: bool,
}

pub(super) struct Written {
    /// The number of the last event before the transaction.
    last_event: i64,
    /// The number of written rows.
    rows: u64,
}

impl Database for SqliteStore {
    type Transaction = SqliteTransaction;

    async fn read(&self) -> Result<SqliteTransaction, StoreError> {
        let open = OpenTransaction::reader(self.connections.reader().await?).await?;
        Ok(SqliteTransaction { open, written: None, is_dry_run: false })
    }

    async fn write(&self) -> Result<SqliteTransaction, StoreError> {
        let open = self.connections.begin_writing().await?;
        let is_dry_run = self.context.is_dry_run();
        let mut transaction = SqliteTransaction { open, written: None, is_dry_run };
        let origin = sqlx::query(SET_ORIGIN).bind(self.context.actor().map(str::to_owned));
        transaction.change(origin.bind(self.tool.to_string())).await?;
        let last_event = transaction.number(sqlx::query(LAST_EVENT)).await?;
        transaction.written = Some(Written { last_event, rows: 0 });
        Ok(transaction)
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }

    fn context(&self) -> &ChangeContext {
        &self.context
    }
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl SqliteTransaction {
    /// Makes a change, and returns the number of written rows.
    async fn change(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let connection = self.open.connection();
        let done = statement.execute(connection.sqlite()?).await;
        let rows = done.map_err(|error| connection.query_error(error))?.rows_affected();
        if let Some(written) = &mut self.written {
            written.rows += rows;
        }
        Ok(rows)
    }

    async fn number(&mut self, statement: Statement<'_>) -> Result<i64, StoreError> {
        let rows = self.open.connection().rows(statement).await?;
        let number = rows.first().map_or(Ok(None), |row| row.number(0));
        Ok(number.map_err(StoreError::new)?.unwrap_or_default())
    }
}

impl Transaction for SqliteTransaction {
    type Dialect = Sqlite;

    async fn rows(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let statement = values.iter().fold(sqlx::query(AssertSqlSafe(sql)), bind);
        self.open.connection().rows(statement).await
    }

    async fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        let statement = values.iter().fold(sqlx::query(AssertSqlSafe(sql)), bind);
        self.change(statement).await.map(drop)
    }

    async fn insert<T: Sync>(
        &mut self,
        table: &'static Table<T>,
        rows: &[T],
    ) -> Result<bool, StoreError> {
        let sql = insert_statement(table);
        for row in rows {
            let bind = |statement, value| bind(statement, &value);
            let statement = sqlx::query(AssertSqlSafe(&*sql));
            let statement = insert_values(table, row).fold(statement, bind);
            if self.change(statement).await? != 1 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn foreign_triggers(&mut self) -> Result<Vec<String>, StoreError> {
        foreign_triggers(self.open.connection()).await
    }

    async fn missing_events(&mut self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// SQLite's triggers do not run during the commit, so nothing is read back afterwards.
    async fn commit(mut self) -> Result<Option<Self>, StoreError> {
        if let Some(Written { last_event, rows }) = self.written.take() {
            let events = self.number(sqlx::query(EVENTS).bind(last_event)).await?;
            if u64::try_from(events).unwrap_or_default() < rows {
                let found = "the change was not recorded in `keygate_events`".to_owned();
                return Err(not_kept(&mut self, found).await);
            }
            // This runs after the change was read back, so a trigger on this table must not change anything else.
            let before = self.number(sqlx::query(TOTAL_CHANGES)).await?;
            self.change(sqlx::query(CLEAR_ORIGIN)).await?;
            if self.number(sqlx::query(TOTAL_CHANGES)).await? != before + 1 {
                let found = "clearing `keygate_origin` changed something else".to_owned();
                return Err(not_kept(&mut self, found).await);
            }
        }
        if self.is_dry_run {
            self.open.rollback().await?;
        } else {
            self.open.commit().await?;
        }
        Ok(None)
    }
}
