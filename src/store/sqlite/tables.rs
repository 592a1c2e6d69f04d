use super::open_transaction::OpenTransaction;
use super::pool::PooledConnection;
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

struct Migration {
    version: i32,
    /// The oldest version whose readers understand the tables after this migration.
    oldest_reader: i32,
    sql: &'static str,
}

const MIGRATIONS: [Migration; 1] =
    [Migration { version: 1, oldest_reader: 1, sql: include_str!("migrations/0001.sql") }];

/// The version that this code needs.
const VERSION: i32 = 1;

const CREATE_MIGRATIONS: &str = "create table if not exists keygate_migrations (
    version integer primary key,
    oldest_reader integer not null,
    applied text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    by text not null
) strict";

const HAS_MIGRATIONS: &str =
    "select count(*) from sqlite_schema where type = 'table' and name = 'keygate_migrations'";
const NEWEST: &str =
    "select version, oldest_reader from keygate_migrations order by version desc limit 1";
const APPLIED: &str =
    "insert into keygate_migrations (version, oldest_reader, by) values (?1, ?2, ?3)";

/// Checks that the tables exist and can be read.
pub(super) async fn check(connection: &mut PooledConnection) -> Result<(), DatabaseError> {
    match newest(connection).await? {
        None => Err(DatabaseError::NoTables),
        Some((found, _)) if found < VERSION => {
            Err(DatabaseError::TooOld { found, needed: VERSION })
        }
        Some(newest) => readable(newest),
    }
}

/// Returns the version of the tables.
pub(super) async fn version(connection: &mut PooledConnection) -> Result<i32, DatabaseError> {
    newest(connection).await?.map(|(version, _)| version).ok_or(DatabaseError::NoTables)
}

fn readable((found, oldest_reader): (i32, i32)) -> Result<(), DatabaseError> {
    if oldest_reader > VERSION {
        return Err(DatabaseError::TooNew { found, readable: VERSION });
    }
    Ok(())
}

/// Creates or updates the tables. Concurrent migrations wait for the first one.
pub(super) async fn migrate(mut connection: PooledConnection) -> Result<(), DatabaseError> {
    // First without a lock: a file with up-to-date tables may be read-only.
    if let Some(newest) = newest(&mut connection).await?
        && newest.0 >= VERSION
    {
        return readable(newest);
    }
    let mut transaction = OpenTransaction::writer(connection).await?;
    apply(transaction.connection()).await?;
    Ok(transaction.commit().await?)
}

async fn apply(connection: &mut PooledConnection) -> Result<(), DatabaseError> {
    execute(connection, CREATE_MIGRATIONS).await?;
    let newest = newest(connection).await?;
    if let Some(newest) = newest {
        readable(newest)?;
    }
    let found = newest.map_or(0, |(version, _)| version);
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        execute(connection, migration.sql).await?;
        let applied = sqlx::query(APPLIED)
            .bind(migration.version)
            .bind(migration.oldest_reader)
            .bind(concat!("keygate ", env!("CARGO_PKG_VERSION")))
            .execute(connection.sqlite()?)
            .await;
        applied.map_err(|error| connection.query_error(error))?;
    }
    Ok(())
}

/// Returns the version of the tables, and the oldest version that can read them.
async fn newest(connection: &mut PooledConnection) -> Result<Option<(i32, i32)>, DatabaseError> {
    let tables = sqlx::query_scalar::<_, i64>(HAS_MIGRATIONS).fetch_one(connection.sqlite()?).await;
    if tables.map_err(|error| connection.read_error(error))? == 0 {
        return Ok(None);
    }
    let newest = sqlx::query_as(NEWEST).fetch_optional(connection.sqlite()?).await;
    let newest = newest.map_err(|error| connection.query_error(error))?;
    Ok(Some(newest.unwrap_or((0, 0))))
}

async fn execute(connection: &mut PooledConnection, sql: &'static str) -> Result<(), StoreError> {
    let done = sqlx::raw_sql(sql).execute(connection.sqlite()?).await;
    done.map(drop).map_err(|error| connection.query_error(error))
}
