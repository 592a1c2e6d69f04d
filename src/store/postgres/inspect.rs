//! Looks for what could hide, delay or rewrite a change, without changing anything.

use sqlx::postgres::PgConnection;
use sqlx::raw_sql;
use tokio::time::timeout;

use super::connections::Connections;
use super::error::unavailable;
use super::options::PostgresOptions;
use super::settings::local_settings;
use super::{CHANGE_DEADLINE, NOT_READ, schema};
use crate::error::StoreError;
use crate::store::sql::{DatabaseError, DatabaseFinding};

mod durability;
mod queue;
mod tables;
mod triggers;

pub(super) use triggers::{FOREIGN as FOREIGN_TRIGGERS, foreign as foreign_triggers};

pub(super) async fn inspect(
    options: &PostgresOptions,
) -> Result<Vec<DatabaseFinding>, DatabaseError> {
    let connections = Connections::new(options, 1, CHANGE_DEADLINE);
    let mut lease = connections.take().await?;
    if let Err(error) = timeout(CHANGE_DEADLINE, schema::check(&mut lease)).await.map_err(late)? {
        return Ok(vec![DatabaseFinding::of(error)?]);
    }
    lease.in_transaction = true;
    let mut findings = Vec::new();
    timeout(CHANGE_DEADLINE, look(&mut lease, &mut findings))
        .await
        .map_err(late)?
        .map_err(unavailable)?;
    lease.in_transaction = false;
    lease.finish();
    Ok(findings)
}

fn late(_: tokio::time::error::Elapsed) -> StoreError {
    StoreError::new(NOT_READ)
}

/// Each look adds its findings. All see one state of the database.
async fn look(
    connection: &mut PgConnection,
    findings: &mut Vec<DatabaseFinding>,
) -> Result<(), sqlx::Error> {
    let begin = concat!("begin isolation level repeatable read read only; ", local_settings!());
    raw_sql(begin).execute(&mut *connection).await?;
    triggers::look(connection, findings).await?;
    durability::look(connection, findings).await?;
    queue::look(connection, findings).await?;
    tables::look(connection, findings).await?;
    raw_sql("commit").execute(connection).await?;
    Ok(())
}
