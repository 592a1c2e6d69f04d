use super::open_transaction::OpenTransaction;
use super::pool::PooledConnection;
use super::triggers::replace_triggers;
use crate::store::sql::{DatabaseError, Migration, Migrations};

pub(in crate::store) const MIGRATIONS: Migrations = Migrations(&[
    Migration { oldest_reader: 1, sql: include_str!("migrations/0001.sql") },
    Migration { oldest_reader: 1, sql: include_str!("migrations/0002.sql") },
    Migration { oldest_reader: 1, sql: include_str!("migrations/0003.sql") },
    Migration { oldest_reader: 1, sql: include_str!("migrations/0004.sql") },
    Migration { oldest_reader: 5, sql: include_str!("migrations/0005.sql") },
    Migration { oldest_reader: 6, sql: include_str!("migrations/0006.sql") },
    Migration { oldest_reader: 7, sql: include_str!("migrations/0007.sql") },
    Migration { oldest_reader: 8, sql: include_str!("migrations/0008.sql") },
    Migration { oldest_reader: 8, sql: include_str!("migrations/0009.sql") },
    Migration { oldest_reader: 8, sql: include_str!("migrations/0010.sql") },
    Migration { oldest_reader: 8, sql: include_str!("migrations/0011.sql") },
    Migration { oldest_reader: 8, sql: include_str!("migrations/0012.sql") },
    Migration { oldest_reader: 8, sql: include_str!("migrations/0013.sql") },
    Migration { oldest_reader: 8, sql: include_str!("migrations/0014.sql") },
]);

/// The table of migrations that were run.
const CREATE_MIGRATIONS: &str = include_str!("migrations/0000.sql");

/// Whether the table of migrations and the table `?1` exist.
const HAS_TABLES: &str = "select count(*) filter (where name = 'keygate_migrations') > 0, \
    count(*) filter (where name = ?1) > 0 from sqlite_schema where type = 'table'";
const HAS_CLIENTS: &str =
    "select 1 from sqlite_schema where type = 'table' and name = 'keygate_clients'";
const NEWEST: &str =
    "select version, oldest_reader from keygate_migrations order by version desc limit 1";
const APPLIED: &str =
    "insert into keygate_migrations (version, oldest_reader, by) values (?1, ?2, ?3)";

/// Checks that the tables exist and can be read.
pub(super) async fn check(
    connection: &mut PooledConnection,
    migrations: Migrations,
) -> Result<(), DatabaseError> {
    let newest = newest(connection, migrations).await?;
    let (found, oldest_reader) = newest.ok_or(DatabaseError::NoTables)?;
    migrations.check(found, oldest_reader)
}

/// Returns the version of the tables of keys.
pub(super) async fn version(connection: &mut PooledConnection) -> Result<i32, DatabaseError> {
    newest(connection, MIGRATIONS).await?.map(|(version, _)| version).ok_or(DatabaseError::NoTables)
}

/// Creates or updates the tables. Concurrent migrations wait for the first one.
pub(super) async fn migrate(
    mut connection: PooledConnection,
    migrations: Migrations,
) -> Result<(), DatabaseError> {
    // Checked without a lock first: a file with up-to-date tables may be read-only.
    match check(&mut connection, migrations).await {
        Err(DatabaseError::NoTables | DatabaseError::TooOld { .. }) => {}
        checked => return checked,
    }
    let mut transaction = OpenTransaction::writer(connection).await?;
    apply(transaction.connection(), migrations).await?;
    Ok(transaction.commit().await?)
}

async fn apply(
    connection: &mut PooledConnection,
    migrations: Migrations,
) -> Result<(), DatabaseError> {
    connection.run(CREATE_MIGRATIONS).await?;
    // Another process may have migrated them meanwhile.
    let found = newest(connection, migrations).await?.map_or(0, |(version, _)| version);
    for (version, migration) in migrations.newer_than(found) {
        connection.run(migration.sql).await?;
        let applied = sqlx::query(APPLIED).bind(version).bind(migration.oldest_reader);
        connection.rows(applied.bind(concat!("keygate ", env!("CARGO_PKG_VERSION")))).await?;
    }
    // A file of usage has no clients, and so no triggers. The triggers record all columns that this version knows.
    if !connection.rows(sqlx::query(HAS_CLIENTS)).await?.is_empty() {
        connection.run(&replace_triggers()).await?;
    }
    Ok(())
}

/// Returns the version of the tables, and the oldest version that can read them.
async fn newest(
    connection: &mut PooledConnection,
    migrations: Migrations,
) -> Result<Option<(i32, i32)>, DatabaseError> {
    let [content, other] = contents(migrations);
    let tables = sqlx::query_as(HAS_TABLES).bind(other.table);
    let tables = tables.fetch_one(connection.sqlite()?).await;
    let (has_migrations, is_other): (bool, bool) =
        tables.map_err(|error| connection.read_error(error))?;
    if is_other {
        let path = connection.path().display();
        let why = format!("{path} holds {}, not {}: choose another file", other.name, content.name);
        return Err(DatabaseError::Location { why });
    }
    if !has_migrations {
        return Ok(None);
    }
    let newest = sqlx::query_as(NEWEST).fetch_optional(connection.sqlite()?).await;
    let newest = newest.map_err(|error| connection.query_error(error))?;
    Ok(Some(newest.unwrap_or((0, 0))))
}

/// The contents of a file: keys or usage, never both. Their tables have separate version numbers.
struct Content {
    name: &'static str,
    table: &'static str,
}

/// Returns the contents that these migrations create tables for, and the other contents.
fn contents(migrations: Migrations) -> [Content; 2] {
    let keys = Content { name: "keys", table: "keygate_keys" };
    let usage = Content { name: "usage", table: "keygate_usage_counts" };
    let has_keys = migrations.newer_than(0).any(|(_, one)| one.sql.contains(keys.table));
    if has_keys { [keys, usage] } else { [usage, keys] }
}
