use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};

use super::error::{code, unavailable};
use super::settings::local_settings;
use super::{owner, row_security, sequence};
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

/// All versions of the tables, the first first. What stands here was run somewhere: it is never
/// changed, only added to.
const MIGRATIONS: [Migration; 3] = [
    Migration { version: 1, oldest_reader: 1, sql: include_str!("migrations/0001.sql") },
    Migration { version: 2, oldest_reader: 1, sql: include_str!("migrations/0002.sql") },
    Migration { version: 3, oldest_reader: 1, sql: include_str!("migrations/0003.sql") },
];

struct Migration {
    version: i32,
    /// The version that a keygate must know at least to read these tables.
    oldest_reader: i32,
    sql: &'static str,
}

/// The version that this keygate needs, and the latest that it knows.
const NEEDED: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// Held while tables are made, by all that would make them. Any number that others do not use.
const LOCK: i64 = 0x6b65_7967_6174_6501;

/// How long a migration may take: it rebuilds indexes.
pub(in crate::store) const MIGRATE_DEADLINE: Duration = Duration::from_secs(20 * 60);

/// Whether the tables can be used.
pub(in crate::store) async fn check(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    owner::check(connection).await?;
    row_security::check(connection, false).await?;
    let (found, oldest_reader) = newest(connection).await?;
    check_encoding(connection).await?;
    judge(found, oldest_reader)?;
    check_kinds(connection).await
}

/// A view hides rows as its query says, and no trigger on it notes a change.
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

/// In another encoding, one row that a hand wrote would make all of them unreadable.
async fn check_encoding(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let row = raw_sql("show server_encoding").fetch_one(connection).await.map_err(unavailable)?;
    let found: String = row.try_get(0).map_err(unavailable)?;
    if found == "UTF8" { Ok(()) } else { Err(DatabaseError::Encoding { found }) }
}

/// The version of the tables, and the oldest that can read them.
pub(in crate::store) async fn newest(
    connection: &mut PgConnection,
) -> Result<(i32, i32), DatabaseError> {
    let newest = concat!(
        local_settings!(),
        "select version, oldest_reader from keygate.migrations order by version desc limit 1"
    );
    let row = match raw_sql(newest).fetch_optional(connection).await {
        Ok(row) => row.ok_or(DatabaseError::NoTables)?,
        // The table or its schema is not there.
        Err(error) if matches!(code(&error), Some("42P01" | "3F000")) => {
            return Err(DatabaseError::NoTables);
        }
        Err(error) => return Err(unavailable(error).into()),
    };
    let number = |index: usize| row.try_get::<i32, _>(index).map_err(unavailable);
    Ok((number(0)?, number(1)?))
}

fn judge(found: i32, oldest_reader: i32) -> Result<(), DatabaseError> {
    if found < NEEDED {
        return Err(DatabaseError::TooOld { found, needed: NEEDED });
    }
    if oldest_reader > NEEDED {
        return Err(DatabaseError::TooNew { found, readable: NEEDED });
    }
    Ok(())
}

/// Brings the tables up to date, in one transaction; needs no rights where they are.
pub(in crate::store) async fn migrate(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    match check(connection).await {
        Ok(()) if sequence::is_behind(connection).await.map_err(unavailable)? => {}
        Err(DatabaseError::NoTables | DatabaseError::TooOld { .. }) => {}
        judged => return judged,
    }
    check_encoding(connection).await?;
    // Without the lock, the tables of two would stand in each other's way.
    // A name that a search path finds must not be taken for the one that is meant.
    let begin = concat!(
        "begin isolation level read committed; set local statement_timeout = 0; ",
        local_settings!()
    );
    raw_sql(begin).execute(&mut *connection).await.map_err(unavailable)?;
    match make(connection).await {
        Ok(()) => raw_sql("commit").execute(&mut *connection).await.map_err(unavailable)?,
        Err(error) => {
            // The connection is given up with its error; what it began goes with it.
            let _ = raw_sql("rollback").execute(&mut *connection).await;
            return Err(error);
        }
    };
    check(connection).await
}

/// One that would make the tables waits for another, but only for a moment for what holds a table: all
/// lookups wait behind it. The role's own limits are not for this.
const PATIENCE: &str = "set local lock_timeout = '60s'; set local statement_timeout = 0; \
                        set local idle_in_transaction_session_timeout = 0";
const HASTE: &str = "set local lock_timeout = '5s'";

async fn make(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    raw_sql(PATIENCE).execute(&mut *connection).await.map_err(unavailable)?;
    let lock = "select pg_catalog.pg_advisory_xact_lock($1)";
    let lock = sqlx::query(lock).persistent(false).bind(LOCK);
    lock.execute(&mut *connection).await.map_err(not_made)?;
    // Somebody else may have made the schema meanwhile.
    owner::check(connection).await?;
    raw_sql(HASTE).execute(&mut *connection).await.map_err(unavailable)?;
    apply(connection).await.map_err(not_made)?;
    sequence::mend(connection).await.map_err(not_made)?;
    Ok(())
}

const NOT_MADE: &str = "the tables were not changed: another migration runs, or a transaction holds them; \
                        end it and try again";

fn not_made(error: sqlx::Error) -> DatabaseError {
    // The lock timeout (appendix A of PostgreSQL's manual).
    if code(&error) == Some("55P03") {
        return StoreError::new(NOT_MADE).into();
    }
    unavailable(error).into()
}

async fn apply(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let found = "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 where n.nspname = 'keygate' and c.relname = 'migrations'), \
                 exists (select from pg_namespace where nspname = 'keygate')";
    let row = sqlx::query(found).persistent(false).fetch_one(&mut *connection).await?;
    let (has_tables, has_schema): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    // An owner may be given a schema and no right to make one.
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
        let note = "insert into keygate.migrations (version, oldest_reader) values ($1, $2)";
        let note = sqlx::query(note)
            .persistent(false)
            .bind(migration.version)
            .bind(migration.oldest_reader);
        note.execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_from_one() {
        for (number, migration) in (1..).zip(&MIGRATIONS) {
            assert_eq!(migration.version, number);
            assert!((1..=number).contains(&migration.oldest_reader));
        }
    }

    #[test]
    fn later_tables_are_read_as_long_as_they_say_so() {
        assert!(judge(NEEDED, NEEDED).is_ok());
        assert!(judge(NEEDED + 5, NEEDED).is_ok());
        let error = judge(NEEDED + 5, NEEDED + 1).unwrap_err();
        assert!(matches!(error, DatabaseError::TooNew { .. }));
        let error = judge(NEEDED - 1, 1).unwrap_err();
        assert!(matches!(error, DatabaseError::TooOld { .. }));
    }
}
