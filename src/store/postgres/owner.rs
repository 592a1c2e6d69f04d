//! Checks who owns the schema and the tables, since an owner could replace them.

use sqlx::postgres::PgConnection;

use super::query;
use super::settings::local_settings;
use crate::store::sql::DatabaseError;

/// Returns the first object in the schema whose owner is neither the role of this session, nor a role of which it is a
/// member, nor the owner of the database. A superuser does not count as a member of all roles.
const FOREIGN: &str = concat!(
    local_settings!(),
    "
with recursive mine (role) as (
    select r.oid from pg_catalog.pg_roles r where r.rolname in (current_user, session_user)
    union
    select m.roleid from pg_catalog.pg_auth_members m join mine on m.member = mine.role
),
trusted (role) as (
    select role from mine
    union all
    select d.datdba from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
    union all
    select r.oid from pg_catalog.pg_roles r where r.rolname = 'pg_database_owner'
),
schema (oid, owner) as (
    select n.oid, n.nspowner from pg_catalog.pg_namespace n where n.nspname = 'keygate'
),
objects (rank, object, owner) as (
    select 0, 'the schema `keygate`', owner from schema
    union all
    select 1, pg_catalog.format('`keygate.%s`', c.relname), c.relowner
    from pg_catalog.pg_class c join schema on c.relnamespace = schema.oid
    where c.relkind not in ('i', 'I')
    union all
    select 2, pg_catalog.format('the function `keygate.%s`', p.proname), p.proowner
    from pg_catalog.pg_proc p join schema on p.pronamespace = schema.oid
)
select object, pg_catalog.pg_get_userbyid(owner)::text, current_user::text
from objects where owner not in (select role from trusted)
order by rank, object limit 1"
);

/// Refuses a schema of another owner. Must run before anything in the schema is used.
pub(super) async fn check(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let found = query::row(connection, FOREIGN).await?;
    found.map_or(Ok(()), |(object, owner, role)| {
        Err(DatabaseError::ForeignOwner { object, owner, role })
    })
}
