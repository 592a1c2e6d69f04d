//! Inspects a database for problems that can hide, delay or rewrite changes.

use sqlx::postgres::PgConnection;
use sqlx::raw_sql;
use tokio::time::timeout;

use super::error::unavailable;
use super::options::PostgresOptions;
use super::pool::{CHANGE_DEADLINE, Pool};
use super::schema;
use super::settings::local_settings;
use crate::store::sql::{DatabaseError, DatabaseFinding};

mod durability;
mod queue;
mod tables;
mod triggers;

pub(super) use triggers::{FOREIGN as FOREIGN_TRIGGERS, foreign as foreign_triggers};

pub(super) async fn inspect(
    options: &PostgresOptions,
) -> Result<Vec<DatabaseFinding>, DatabaseError> {
    let connections = Pool::new(options, 1, CHANGE_DEADLINE);
    let mut connection = connections.acquire().await?;
    if let Err(error) =
        timeout(CHANGE_DEADLINE, schema::check(&mut connection)).await.map_err(schema::not_read)?
    {
        return Ok(vec![DatabaseFinding::of(error)?]);
    }
    connection.in_transaction = true;
    let mut findings = Vec::new();
    timeout(CHANGE_DEADLINE, check(&mut connection, &mut findings))
        .await
        .map_err(schema::not_read)?
        .map_err(unavailable)?;
    connection.in_transaction = false;
    connection.release();
    Ok(findings)
}

/// Adds the findings of each check. All checks see one state of the database.
async fn check(
    connection: &mut PgConnection,
    findings: &mut Vec<DatabaseFinding>,
) -> Result<(), sqlx::Error> {
    let begin = concat!("begin isolation level repeatable read read only; ", local_settings!());
    raw_sql(begin).execute(&mut *connection).await?;
    triggers::check(connection, findings).await?;
    durability::check(connection, findings).await?;
    queue::check(connection, findings).await?;
    tables::check(connection, findings).await?;
    raw_sql("commit").execute(connection).await?;
    Ok(())
}
