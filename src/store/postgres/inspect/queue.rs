use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};

use crate::store::sql::DatabaseFinding;

/// Where the right to ask was taken away, there is nothing to find.
const USAGE: &str = "
select case when pg_catalog.has_function_privilege('pg_catalog.pg_notification_queue_usage()', 'execute')
    then pg_catalog.pg_notification_queue_usage() > 0.01 else false end";

pub(super) async fn look(
    connection: &mut PgConnection,
    findings: &mut Vec<DatabaseFinding>,
) -> Result<(), sqlx::Error> {
    if raw_sql(USAGE).fetch_one(connection).await?.try_get(0)? {
        let message = "the server's queue of notifications is more than 1% full, so that no replica is \
                       woken up and each finds changes by polling: end the sessions that listen inside \
                       of a long transaction";
        findings.push(DatabaseFinding::warning("notify-queue", message));
    }
    Ok(())
}
