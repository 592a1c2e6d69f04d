use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};
use tokio::time::error::Elapsed;

use super::error::{code, unavailable};
use super::settings::local_settings;
use super::{owner, row_security, sequence};
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// All migrations, in order. They were run on databases somewhere, so they are never changed, only added to.
const MIGRATIONS: [Migration; 3] = [
    Migration { version: 1, oldest_reader: 1, sql: include_str!("migrations/0001.sql") },
    Migration { version: 2, oldest_reader: 1, sql: include_str!("migrations/0002.sql") },
    Migration { version: 3, oldest_reader: 1, sql: include_str!("migrations/0003.sql") },
];

struct Migration {
    version: i32,
    /// The oldest version whose readers understand these tables.
    oldest_reader: i32,
    sql: &'static str,
}

/// The needed version, and the newest known one.
const NEEDED: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// The advisory lock of migrations. The number is arbitrary.
const LOCK: i64 = 0x6b65_7967_6174_6501;

/// The deadline of a migration, which may rebuild indexes.
pub(in crate::store) const MIGRATE_DEADLINE: Duration = Duration::from_secs(20 * 60);

/// Checks that the tables can be used.
pub(in crate::store) async fn check(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    owner::check(connection).await?;
    row_security::check(connection, false).await?;
    let (found, oldest_reader) = newest(connection).await?;
    check_encoding(connection).await?;
    check_version(found, oldest_reader)?;
    check_kinds(connection).await
}

const NOT_READ: &str = "PostgreSQL did not return the version of the tables within ten seconds: the server \
    hangs, or a transaction locks keygate.migrations";

/// The error for a missed deadline of [`check`] or [`newest`].
pub(super) fn not_read(_: Elapsed) -> StoreError {
    StoreError::new(NOT_READ)
}

/// Refuses views in the place of tables: a view may hide rows, and has no triggers that record changes.
async fn check_kinds(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let other = concat!(
        local_settings!(),
        "select c.relname::text from pg_catalog.pg_class c \
         where c.relnamespace = to_regnamespace('keygate') and c.relkind not in ('r', 'p') \
         and c.relname in ('clients', 'keys', 'events', 'migrations') order by c.relname limit 1"
    );
    let Some(row) = raw_sql(other).fetch_optional(connection).await.map_err(unavailable)? else {
        return Ok(());
    };
    Err(DatabaseError::NotATable { object: row.try_get(0).map_err(unavailable)? })
}

/// In another encoding, one row with an invalid text would make all rows unreadable.
async fn check_encoding(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let row = raw_sql("show server_encoding").fetch_one(connection).await.map_err(unavailable)?;
    let found: String = row.try_get(0).map_err(unavailable)?;
    if found == "UTF8" { Ok(()) } else { Err(DatabaseError::Encoding { found }) }
}

/// Returns the version of the tables, and the oldest version that can read them.
pub(in crate::store) async fn newest(
    connection: &mut PgConnection,
) -> Result<(i32, i32), DatabaseError> {
    let newest = concat!(
        local_settings!(),
        "select version, oldest_reader from keygate.migrations order by version desc limit 1"
    );
    let row = match raw_sql(newest).fetch_optional(connection).await {
        Ok(row) => row.ok_or(DatabaseError::NoTables)?,
        // The table or its schema does not exist.
        Err(error) if matches!(code(&error).as_deref(), Some("42P01" | "3F000")) => {
            return Err(DatabaseError::NoTables);
        }
        Err(error) => return Err(unavailable(error).into()),
    };
    let number = |index: usize| row.try_get::<i32, _>(index).map_err(unavailable);
    Ok((number(0)?, number(1)?))
}

fn check_version(found: i32, oldest_reader: i32) -> Result<(), DatabaseError> {
    if found < NEEDED {
        return Err(DatabaseError::TooOld { found, needed: NEEDED });
    }
    if oldest_reader > NEEDED {
        return Err(DatabaseError::TooNew { found, readable: NEEDED });
    }
    Ok(())
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

/// A migration waits for another one, but only a moment for a locked table, since all lookups queue behind
/// it. The role's own timeouts do not apply.
const LOCK_SETTINGS: &str = "set local lock_timeout = '60s'; set local statement_timeout = 0; \
                        set local idle_in_transaction_session_timeout = 0";
const TABLE_SETTINGS: &str = "set local lock_timeout = '5s'";

async fn run(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    raw_sql(LOCK_SETTINGS).execute(&mut *connection).await.map_err(unavailable)?;
    let lock = "select pg_catalog.pg_advisory_xact_lock($1)";
    let lock = sqlx::query(lock).persistent(false).bind(LOCK);
    lock.execute(&mut *connection).await.map_err(not_migrated)?;
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
    let row = sqlx::query(found).persistent(false).fetch_one(&mut *connection).await?;
    let (has_tables, has_schema): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    // The owner of an existing schema may lack the right to create one.
    if !has_schema {
        raw_sql("create schema keygate").execute(&mut *connection).await?;
    }
    let mut version = 0;
    if has_tables {
        let newest = "select coalesce(max(version), 0) from keygate.migrations";
        version =
            sqlx::query(newest).persistent(false).fetch_one(&mut *connection).await?.try_get(0)?;
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > version) {
        raw_sql(migration.sql).execute(&mut *connection).await?;
        let record = "insert into keygate.migrations (version, oldest_reader) values ($1, $2)";
        let record = sqlx::query(record)
            .persistent(false)
            .bind(migration.version)
            .bind(migration.oldest_reader);
        record.execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_consecutive_from_one() {
        for (number, migration) in (1..).zip(&MIGRATIONS) {
            assert_eq!(migration.version, number);
            assert!((1..=number).contains(&migration.oldest_reader));
        }
    }

    #[test]
    fn newer_tables_are_read_if_they_allow_it() {
        assert!(check_version(NEEDED, NEEDED).is_ok());
        assert!(check_version(NEEDED + 5, NEEDED).is_ok());
        let error = check_version(NEEDED + 5, NEEDED + 1).unwrap_err();
        assert!(matches!(error, DatabaseError::TooNew { .. }));
        let error = check_version(NEEDED - 1, 1).unwrap_err();
        assert!(matches!(error, DatabaseError::TooOld { .. }));
    }
}
