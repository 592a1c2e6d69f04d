//! Inspects a database for triggers and faults that can hide or rewrite changes.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::connections::Connections;
use super::options::SqliteOptions;
use super::pool::PooledConnection;
use super::tables;
use crate::error::StoreError;
use crate::store::sql::{DatabaseError, DatabaseFinding};

/// The triggers of keygate, all of which are needed.
macro_rules! own {
    () => {
        "(values ('keygate_clients_inserted'), ('keygate_clients_updated'), \
         ('keygate_clients_renamed'), ('keygate_clients_deleted'), ('keygate_keys_inserted'), \
         ('keygate_keys_updated'), ('keygate_keys_renamed'), ('keygate_keys_deleted'), \
         ('keygate_events_not_updated'), ('keygate_events_not_deleted'), \
         ('keygate_events_not_replaced'), ('keygate_policy_inserted'), \
         ('keygate_policy_updated'), ('keygate_policy_deleted'), ('keygate_keys_not_purged'), \
         ('keygate_keys_order_inserted'), ('keygate_keys_order_updated'))"
    };
}

const MISSING: &str = concat!(
    "select column1 from ",
    own!(),
    " where column1 not in (select name from sqlite_schema where type = 'trigger')"
);

const FOREIGN: &str = concat!(
    "select 'the trigger `' || name || '` on `' || tbl_name || '`' from sqlite_schema \
     where type = 'trigger' and tbl_name in \
     ('keygate_clients', 'keygate_keys', 'keygate_events', 'keygate_origin', 'keygate_policy', \
     'keygate_tombstones') and name not in ",
    own!(),
    " order by name"
);

pub(super) async fn inspect(options: SqliteOptions) -> Result<Vec<DatabaseFinding>, DatabaseError> {
    let connections = match Connections::open(options, tables::MIGRATIONS, false).await {
        Ok(connections) => connections,
        Err(error) => return Ok(vec![DatabaseFinding::of(error)?]),
    };
    let mut connection = connections.reader().await?;
    let mut findings = Vec::new();
    let foreign = foreign_triggers(&mut connection).await?;
    if !foreign.is_empty() {
        let message = format!(
            "{} may undo or rewrite changes; a change that does not read back as written is rolled back",
            foreign.join(", ")
        );
        findings.push(DatabaseFinding::warning("triggers", message));
    }
    if !names(&mut connection, MISSING).await?.is_empty() {
        let message = "triggers of keygate are missing, so changes are not recorded in \
                       `keygate_events`: restore the tables, or export the keys into a new database";
        findings.push(DatabaseFinding::error("triggers-missing", message));
    }
    Ok(findings)
}

/// Returns the triggers that are not keygate's, each with its table.
pub(super) async fn foreign_triggers(
    connection: &mut PooledConnection,
) -> Result<Vec<String>, StoreError> {
    names(connection, FOREIGN).await
}

async fn names(
    connection: &mut PooledConnection,
    sql: &'static str,
) -> Result<Vec<String>, StoreError> {
    let rows = connection.rows(sqlx::query(sql)).await?;
    let name = |row: &SqliteRow| row.try_get(0).map_err(|error| connection.query_error(error));
    rows.iter().map(name).collect()
}
