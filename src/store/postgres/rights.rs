//! The rights on tables that a role lacks.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, FromRow as _, raw_sql};

use super::row_security::{RESTART, names_table};
use super::settings::local_settings;

/// Selects the rights that this role lacks on each table. If it lacks `select`, only that right is listed; otherwise, the
/// rights that keygate needs to change the table.
const LACKING: &str = concat!(
    local_settings!(),
    "select c.relname::text, quote_ident(current_user), \
     case when not has_table_privilege(c.oid, 'select') then 'select' else ( \
         select string_agg(r.name, ', ' order by r.number) \
         from unnest(case c.relname \
             when 'policy' then '{insert,update}'::text[] \
             when 'tombstones' then '{insert}'::text[] \
             else '{insert,update,delete}'::text[] end) with ordinality r (name, number) \
         where not has_table_privilege(c.oid, r.name)) end \
     from pg_catalog.pg_class c \
     where c.relnamespace = to_regnamespace('keygate') and c.relkind in ('r', 'p')"
);

/// Returns the rights that the role lacks on the table in the server's message, and the remedy.
pub(super) async fn lacking(
    connection: &mut PgConnection,
    in_transaction: bool,
    message: &str,
) -> Option<String> {
    let sql = format!("{}{LACKING}", if in_transaction { RESTART } else { "" });
    let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await.ok()?;
    let rows = rows.iter().filter_map(|row| <(String, String, Option<String>)>::from_row(row).ok());
    let (table, role, rights) = rows.into_iter().find(|row| names_table(message, &row.0))?;
    let rights = rights?;
    Some(format!(
        "the role {role} lacks `{rights}` on keygate.{table}: use a role that has it, or run `grant {rights} \
         on keygate.{table} to {role}` as the owner of the tables (see docs/databases.md)"
    ))
}
