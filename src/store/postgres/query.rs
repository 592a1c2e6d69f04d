//! Queries without parameters, which take one round trip.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, SqlSafeStr, raw_sql};

use super::error::unavailable;
use crate::error::StoreError;

/// Runs a query, and returns its rows.
pub(super) async fn rows<T>(
    connection: &mut PgConnection,
    sql: impl SqlSafeStr,
) -> Result<Vec<T>, sqlx::Error>
where
    T: for<'r> FromRow<'r, PgRow>,
{
    raw_sql(sql).fetch_all(connection).await?.iter().map(T::from_row).collect()
}

/// Runs a query, and returns its first row.
pub(super) async fn row<T>(
    connection: &mut PgConnection,
    sql: &'static str,
) -> Result<Option<T>, StoreError>
where
    T: for<'r> FromRow<'r, PgRow>,
{
    Ok(rows(connection, sql).await.map_err(unavailable)?.into_iter().next())
}
