use super::lease::Lease;
use super::open_transaction::OpenTransaction;
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

struct Migration {
    version: i32,
    /// The oldest version of keygate's tables whose readers understand the tables after it.
    oldest_reader: i32,
    sql: &'static str,
}

const MIGRATIONS: [Migration; 1] =
    [Migration { version: 1, oldest_reader: 1, sql: include_str!("migrations/0001.sql") }];

/// The version that this code was written for.
const VERSION: i32 = 1;

const LEDGER: &str = "create table if not exists keygate_migrations (
    version integer primary key,
    oldest_reader integer not null,
    applied text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    by text not null
) strict";

const HAS_LEDGER: &str =
    "select count(*) from sqlite_schema where type = 'table' and name = 'keygate_migrations'";
const NEWEST: &str =
    "select version, oldest_reader from keygate_migrations order by version desc limit 1";
const APPLIED: &str =
    "insert into keygate_migrations (version, oldest_reader, by) values (?1, ?2, ?3)";

/// Whether the tables are there and can be read.
pub(super) async fn check(lease: &mut Lease) -> Result<(), DatabaseError> {
    match newest(lease).await? {
        None => Err(DatabaseError::NoTables),
        Some((found, _)) if found < VERSION => {
            Err(DatabaseError::TooOld { found, needed: VERSION })
        }
        Some(newest) => readable(newest),
    }
}

/// The version of the tables.
pub(super) async fn version(lease: &mut Lease) -> Result<i32, DatabaseError> {
    newest(lease).await?.map(|(version, _)| version).ok_or(DatabaseError::NoTables)
}

fn readable((found, oldest_reader): (i32, i32)) -> Result<(), DatabaseError> {
    if oldest_reader > VERSION {
        return Err(DatabaseError::TooNew { found, readable: VERSION });
    }
    Ok(())
}

/// Makes or completes the tables. Who comes second finds all done.
pub(super) async fn migrate(mut lease: Lease) -> Result<(), DatabaseError> {
    // Without a lock first: up-to-date tables may be in a file that cannot be written.
    if let Some(newest) = newest(&mut lease).await?
        && newest.0 >= VERSION
    {
        return readable(newest);
    }
    let mut begun = OpenTransaction::writer(lease).await?;
    apply(begun.lease()).await?;
    Ok(begun.commit().await?)
}

async fn apply(lease: &mut Lease) -> Result<(), DatabaseError> {
    execute(lease, LEDGER).await?;
    let newest = newest(lease).await?;
    if let Some(newest) = newest {
        readable(newest)?;
    }
    let found = newest.map_or(0, |(version, _)| version);
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        execute(lease, migration.sql).await?;
        let applied = sqlx::query(APPLIED)
            .bind(migration.version)
            .bind(migration.oldest_reader)
            .bind(concat!("keygate ", env!("CARGO_PKG_VERSION")))
            .execute(lease.connection()?)
            .await;
        applied.map_err(|error| lease.fault(error))?;
    }
    Ok(())
}

/// The version of the tables, and the oldest that can read them.
async fn newest(lease: &mut Lease) -> Result<Option<(i32, i32)>, DatabaseError> {
    let tables = sqlx::query_scalar::<_, i64>(HAS_LEDGER).fetch_one(lease.connection()?).await;
    if tables.map_err(|error| lease.reading_fault(error))? == 0 {
        return Ok(None);
    }
    let newest = sqlx::query_as(NEWEST).fetch_optional(lease.connection()?).await;
    let newest = newest.map_err(|error| lease.fault(error))?;
    Ok(Some(newest.unwrap_or((0, 0))))
}

async fn execute(lease: &mut Lease, sql: &'static str) -> Result<(), StoreError> {
    let done = sqlx::raw_sql(sql).execute(lease.connection()?).await;
    done.map(drop).map_err(|error| lease.fault(error))
}
