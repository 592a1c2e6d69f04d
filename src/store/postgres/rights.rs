//! The rights on tables that a role lacks.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::query;
use super::row_security::{RESTART, names_table};
use super::settings::local_settings;
use crate::error::StoreError;

/// Selects the rights that this role lacks on each table. If it lacks `select`, only that right is listed; otherwise, the
/// rights that keygate needs to change the table. The last column says whether the role may change neither clients nor
/// keys, nor any of their columns.
const LACKING: &str = concat!(
    local_settings!(),
    "select c.relname::text, quote_ident(current_user), \
     case when not has_table_privilege(c.oid, 'select') then 'select' else ( \
         select string_agg(r.name, ', ' order by r.number) \
         from unnest(case c.relname \
             when 'policy' then '{insert,update}'::text[] \
             when 'tombstones' then '{insert}'::text[] \
             else '{insert,update,delete}'::text[] end) with ordinality r (name, number) \
         where not has_table_privilege(c.oid, r.name)) end, \
     not exists (select from pg_catalog.pg_class k \
         where k.relnamespace = c.relnamespace and k.relname in ('clients', 'keys') \
         and (has_any_column_privilege(k.oid, 'insert, update') or has_table_privilege(k.oid, 'delete'))) \
     from pg_catalog.pg_class c \
     where c.relnamespace = to_regnamespace('keygate') and c.relkind in ('r', 'p')"
);

/// Returns the error of a refused statement, with the rights that the role lacks on the table in the server's message,
/// and the remedy.
pub(super) async fn lacking(
    connection: &mut PgConnection,
    in_transaction: bool,
    message: &str,
) -> Option<StoreError> {
    let sql = format!("{}{LACKING}", if in_transaction { RESTART } else { "" });
    let rows = query::rows::<Row>(connection, AssertSqlSafe(sql)).await.ok()?;
    let (table, role, rights, only_reads) =
        rows.into_iter().find(|(table, ..)| names_table(message, table))?;
    let rights = rights?;
    // Services whose role may only read still write their usage.
    let is_of_keys = matches!(&*table, "clients" | "keys" | "policy" | "tombstones");
    if only_reads && is_of_keys && rights != "select" {
        return Some(StoreError::read_only(format!(
            "the PostgreSQL role {role} may only read: use the URL of a role that may change clients and keys, or \
             grant it these rights (see docs/databases.md)"
        )));
    }
    let (these, them) =
        if rights.contains(',') { ("these rights", "them") } else { ("this right", "it") };
    Some(StoreError::new(format!(
        "PostgreSQL: {message} (42501); the role {role} lacks `{rights}` on keygate.{table}: use a role that has \
         {these}, or grant {them} as the owner of the tables: `grant {rights} on keygate.{table} to {role}` (see \
         docs/databases.md)"
    )))
}

/// The table, the role, the rights that it lacks, and whether it may only read.
type Row = (String, String, Option<String>, bool);
