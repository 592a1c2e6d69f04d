use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};

use crate::store::sql::DatabaseFinding;

/// Describes where `synchronous_commit` is off: in this session, or as a default of a role or database.
const SYNCHRONOUS_COMMIT: &str = "
select 'in this session' where pg_catalog.current_setting('synchronous_commit') = 'off'
union all
select pg_catalog.concat_ws(' ',
    'for', case when s.setrole = 0 then 'all roles' else 'the role ' || r.rolname end,
    case when s.setdatabase <> 0 then 'in this database' end)
from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_roles r on r.oid = s.setrole
where 'synchronous_commit=off' = any(s.setconfig)
    and s.setdatabase in (0,
        (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
order by 1";

const UNSAFE: &str = "
select name from pg_catalog.pg_settings
where name in ('fsync', 'full_page_writes') and setting = 'off' order by 1";

pub(super) async fn check(
    connection: &mut PgConnection,
    findings: &mut Vec<DatabaseFinding>,
) -> Result<(), sqlx::Error> {
    let places = texts(connection, SYNCHRONOUS_COMMIT).await?;
    if !places.is_empty() {
        let message = format!(
            "`synchronous_commit` is off {}: a crash of the server can lose a change that was made by \
             hand and reported as done (keygate's own changes turn it on)",
            places.join(", ")
        );
        findings.push(DatabaseFinding::warning("synchronous-commit", message));
    }
    let settings = texts(connection, UNSAFE).await?;
    if !settings.is_empty() {
        let message = format!(
            "{} off: a crash of the machine can lose changes that were reported as done, or spoil the \
             tables",
            settings.join(" and ")
        );
        findings.push(DatabaseFinding::warning("fsync", message));
    }
    Ok(())
}

async fn texts(
    connection: &mut PgConnection,
    sql: &'static str,
) -> Result<Vec<String>, sqlx::Error> {
    raw_sql(sql).fetch_all(connection).await?.iter().map(|row| row.try_get(0)).collect()
}
