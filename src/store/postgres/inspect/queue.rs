use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};

use crate::store::sql::DatabaseFinding;

/// Without the right to call the function, nothing is found.
const USAGE: &str = "
select case when pg_catalog.has_function_privilege('pg_catalog.pg_notification_queue_usage()', 'execute')
    then pg_catalog.pg_notification_queue_usage() > 0.01 else false end";

pub(super) async fn check(
    connection: &mut PgConnection,
    findings: &mut Vec<DatabaseFinding>,
) -> Result<(), sqlx::Error> {
    if raw_sql(USAGE).fetch_one(connection).await?.try_get(0)? {
        let message = "the server's notification queue is more than 1% full, so that replicas are not \
                       woken up and find changes by polling: end the sessions that listen in a long \
                       transaction";
        findings.push(DatabaseFinding::warning("notify-queue", message));
    }
    Ok(())
}
