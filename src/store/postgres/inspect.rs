//! Inspects a database for problems that can hide, delay or rewrite changes.

use sqlx::postgres::PgConnection;
use sqlx::raw_sql;

use super::error::unavailable;
use super::options::PostgresOptions;
use super::pool::{CHANGE_DEADLINE, Pool};
use super::schema::{self, within_deadline};
use super::settings::local_settings;
use super::{query, sequence};
use crate::store::sql::{DatabaseError, DatabaseFinding};

mod checks;
mod triggers;

use checks::CHECKS;
pub(super) use triggers::FOREIGN as FOREIGN_TRIGGERS;

pub(super) async fn inspect(
    options: &PostgresOptions,
) -> Result<Vec<DatabaseFinding>, DatabaseError> {
    let connections = Pool::new(options, 1, CHANGE_DEADLINE);
    let mut connection = connections.acquire().await?;
    if let Err(error) = within_deadline(schema::check(&mut connection)).await {
        return Ok(vec![DatabaseFinding::of(error)?]);
    }
    connection.in_transaction = true;
    let findings =
        within_deadline(async { run_checks(&mut connection).await.map_err(unavailable) }).await?;
    connection.in_transaction = false;
    connection.release();
    Ok(findings)
}

/// Runs all checks on one state of the database.
async fn run_checks(connection: &mut PgConnection) -> Result<Vec<DatabaseFinding>, sqlx::Error> {
    let begin = concat!("begin isolation level repeatable read read only; ", local_settings!());
    raw_sql(begin).execute(&mut *connection).await?;
    let mut findings = Vec::new();
    for (sql, finding) in CHECKS {
        let found = texts(connection, sql).await?;
        if !found.is_empty() {
            findings.push(finding(&found.join(", ")));
        }
    }
    if sequence::is_behind(connection).await? {
        let message = "the sequence of `keygate.events` is behind its rows, so every change fails: \
            `keygate migrate` corrects it";
        findings.push(DatabaseFinding::error("sequence", message));
    }
    raw_sql("commit").execute(connection).await?;
    Ok(findings)
}

/// Describes the triggers, rules and foreign keys that are not keygate's, each with its table.
pub(super) async fn foreign_triggers(
    connection: &mut PgConnection,
) -> Result<Vec<String>, sqlx::Error> {
    texts(connection, FOREIGN_TRIGGERS).await
}

async fn texts(
    connection: &mut PgConnection,
    sql: &'static str,
) -> Result<Vec<String>, sqlx::Error> {
    Ok(query::rows(connection, sql).await?.into_iter().map(|(text,)| text).collect())
}
