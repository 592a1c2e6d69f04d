use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, raw_sql};
use tokio::time::timeout;

use super::error::{code, unavailable};
use super::pool::CHANGE_DEADLINE;
use super::settings::local_settings;
use super::{owner, query, row_security, sequence};
use crate::error::StoreError;
use crate::store::sql::{DatabaseError, Migration, Migrations};

pub(in crate::store) const MIGRATIONS: Migrations = Migrations(&[
    Migration { oldest_reader: 1, sql: include_str!("migrations/0001.sql") },
    Migration { oldest_reader: 1, sql: include_str!("migrations/0002.sql") },
    Migration { oldest_reader: 1, sql: include_str!("migrations/0003.sql") },
    Migration { oldest_reader: 1, sql: include_str!("migrations/0004.sql") },
    Migration { oldest_reader: 1, sql: include_str!("migrations/0005.sql") },
    Migration { oldest_reader: 1, sql: include_str!("migrations/0006.sql") },
    Migration { oldest_reader: 1, sql: include_str!("migrations/0007.sql") },
    Migration { oldest_reader: 8, sql: include_str!("migrations/0008.sql") },
    Migration { oldest_reader: 9, sql: include_str!("migrations/0009.sql") },
    Migration { oldest_reader: 10, sql: include_str!("migrations/0010.sql") },
    Migration { oldest_reader: 11, sql: include_str!("migrations/0011.sql") },
    Migration { oldest_reader: 11, sql: include_str!("migrations/0012.sql") },
    Migration { oldest_reader: 11, sql: include_str!("migrations/0013.sql") },
    Migration { oldest_reader: 11, sql: include_str!("migrations/0014.sql") },
    Migration { oldest_reader: 11, sql: include_str!("migrations/0015.sql") },
    Migration { oldest_reader: 11, sql: include_str!("migrations/0016.sql") },
]);

/// The advisory lock of migrations. The number is arbitrary.
const LOCK: &str = "select pg_catalog.pg_advisory_xact_lock(7738725019629675777)";

/// The deadline of a migration, which may rebuild indexes.
pub(in crate::store) const MIGRATE_DEADLINE: Duration = Duration::from_secs(20 * 60);

/// Checks that the tables can be used.
pub(in crate::store) async fn check(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    owner::check(connection).await?;
    row_security::check(connection, false).await?;
    let (found, oldest_reader) = newest(connection).await?;
    check_encoding(connection).await?;
    MIGRATIONS.check(found, oldest_reader)?;
    check_kinds(connection).await
}

const NOT_READ: &str = "PostgreSQL did not return the version of the tables within ten seconds: the server \
    hangs, or a transaction locks keygate.migrations";

/// Limits the time of [`check`] and [`newest`], and of other short queries.
pub(super) async fn within_deadline<T, E: Into<DatabaseError>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, DatabaseError> {
    let done = timeout(CHANGE_DEADLINE, work).await.map_err(|_| StoreError::new(NOT_READ))?;
    done.map_err(Into::into)
}

/// Refuses views with the names of tables: a view may hide rows, and has no triggers that record changes.
async fn check_kinds(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let other = concat!(
        local_settings!(),
        "select c.relname::text from pg_catalog.pg_class c \
         where c.relnamespace = to_regnamespace('keygate') and c.relkind not in ('r', 'p') \
         and c.relname in ('clients', 'keys', 'events', 'migrations', 'policy', 'tombstones') order by c.relname limit 1"
    );
    let found = query::row(connection, other).await?;
    found.map_or(Ok(()), |(object,)| Err(DatabaseError::NotATable { object }))
}

/// In another encoding, one row with an invalid text would make all rows unreadable.
async fn check_encoding(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    match query::row::<(String,)>(connection, "show server_encoding").await? {
        Some((found,)) if found != "UTF8" => Err(DatabaseError::Encoding { found }),
        _ => Ok(()),
    }
}

/// Returns the version of the tables, and the oldest version that can read them.
pub(in crate::store) async fn newest(
    connection: &mut PgConnection,
) -> Result<(i32, i32), DatabaseError> {
    let newest = concat!(
        local_settings!(),
        "select version, oldest_reader from keygate.migrations order by version desc limit 1"
    );
    match query::rows(connection, newest).await {
        Ok(rows) => rows.into_iter().next().ok_or(DatabaseError::NoTables),
        // The table or its schema does not exist.
        Err(error) if matches!(code(&error).as_deref(), Some("42P01" | "3F000")) => {
            Err(DatabaseError::NoTables)
        }
        Err(error) => Err(unavailable(error).into()),
    }
}

/// Creates or updates the tables in one transaction. Needs no rights if they are up to date.
pub(in crate::store) async fn migrate(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    match check(connection).await {
        Ok(()) if sequence::is_behind(connection).await.map_err(unavailable)? => {}
        Err(DatabaseError::NoTables | DatabaseError::TooOld { .. }) => {}
        checked => return checked,
    }
    check_encoding(connection).await?;
    let begin = concat!(
        "begin isolation level read committed; set local statement_timeout = 0; ",
        local_settings!()
    );
    raw_sql(begin).execute(&mut *connection).await.map_err(unavailable)?;
    match run(connection).await {
        Ok(()) => raw_sql("commit").execute(&mut *connection).await.map_err(unavailable)?,
        Err(error) => {
            // The connection is dropped after an error, and the transaction with it.
            let _ = raw_sql("rollback").execute(&mut *connection).await;
            return Err(error);
        }
    };
    check(connection).await
}

/// A migration waits for another migration, but only briefly for a locked table, since all lookups queue behind it. The
/// role's own timeouts do not apply.
const LOCK_SETTINGS: &str = "set local lock_timeout = '60s'; set local statement_timeout = 0; \
                        set local idle_in_transaction_session_timeout = 0";
const TABLE_SETTINGS: &str = "set local lock_timeout = '5s'";

async fn run(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    raw_sql(LOCK_SETTINGS).execute(&mut *connection).await.map_err(unavailable)?;
    raw_sql(LOCK).execute(&mut *connection).await.map_err(not_migrated)?;
    // Another role may have created the schema meanwhile.
    owner::check(connection).await?;
    raw_sql(TABLE_SETTINGS).execute(&mut *connection).await.map_err(unavailable)?;
    apply(connection).await.map_err(not_migrated)?;
    sequence::repair(connection).await.map_err(not_migrated)?;
    Ok(())
}

const NOT_MIGRATED: &str = "the tables were not changed: another migration is running, or a transaction locks \
                        them; end it and try again";

fn not_migrated(error: sqlx::Error) -> DatabaseError {
    // The lock timeout (appendix A of PostgreSQL's manual).
    if code(&error).as_deref() == Some("55P03") {
        return StoreError::new(NOT_MIGRATED).into();
    }
    unavailable(error).into()
}

async fn apply(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let found = "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 where n.nspname = 'keygate' and c.relname = 'migrations'), \
                 exists (select from pg_namespace where nspname = 'keygate')";
    let found = query::rows::<(bool, bool)>(connection, found).await?;
    let (has_tables, has_schema) = found.first().copied().unwrap_or_default();
    // The owner of an existing schema may lack the right to create one.
    if !has_schema {
        raw_sql("create schema keygate").execute(&mut *connection).await?;
    }
    let mut version = 0;
    if has_tables {
        let newest = "select coalesce(max(version), 0) from keygate.migrations";
        let newest = query::rows::<(i32,)>(connection, newest).await?;
        version = newest.first().map_or(0, |(newest,)| *newest);
    }
    for (version, migration) in MIGRATIONS.newer_than(version) {
        raw_sql(migration.sql).execute(&mut *connection).await?;
        let record = format!(
            "insert into keygate.migrations (version, oldest_reader) values ({version}, {})",
            migration.oldest_reader
        );
        raw_sql(AssertSqlSafe(record)).execute(&mut *connection).await?;
    }
    Ok(())
}
