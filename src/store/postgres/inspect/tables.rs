use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};

use crate::store::postgres::sequence;
use crate::store::sql::DatabaseFinding;

/// Columns that are looked up or joined, and whose collation does not compare bytes.
const COLLATED: &str = "
select pg_catalog.format('`keygate.%s.%s`', c.relname, a.attname)
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_collation l on l.oid = a.attcollation
where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'keygate')
    and (c.relname, a.attname) in
        (('clients', 'name'), ('keys', 'key_id'), ('keys', 'client'), ('keys', 'replaced_by'))
    and l.collname not in ('C', 'POSIX', 'ucs_basic')
order by 1";

pub(super) async fn check(
    connection: &mut PgConnection,
    findings: &mut Vec<DatabaseFinding>,
) -> Result<(), sqlx::Error> {
    if sequence::is_behind(connection).await? {
        let message = "the sequence of `keygate.events` is behind its rows, so that every change fails: \
                       `keygate migrate` sets it";
        findings.push(DatabaseFinding::error("sequence", message));
    }
    let rows = raw_sql(COLLATED).fetch_all(connection).await?;
    let columns = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    if !columns.is_empty() {
        let message = format!(
            "{} sorted by the rules of a language: an upgrade of the system's libraries can hide rows; \
             `alter table ... alter column ... type text collate \"C\"`",
            columns.join(", ")
        );
        findings.push(DatabaseFinding::warning("collation", message));
    }
    Ok(())
}
