use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};

use crate::store::sql::DatabaseFinding;

/// The condition for the triggers of keygate, by table, name and function: another trigger may have the name
/// of one of them.
macro_rules! is_own {
    () => {
        "p.pronamespace = c.relnamespace and (c.relname, t.tgname, p.proname) in (
            ('clients', 'inserted', 'clients_inserted'), ('clients', 'updated', 'clients_updated'),
            ('clients', 'deleted', 'clients_deleted'), ('clients', 'truncated', 'all_removed'),
            ('keys', 'inserted', 'keys_inserted'), ('keys', 'updated', 'keys_updated'),
            ('keys', 'deleted', 'keys_deleted'), ('keys', 'truncated', 'all_removed'),
            ('events', 'woken', 'wake'), ('events', 'append_only', 'append_only'))"
    };
}

/// Triggers and rules of others on the tables of keygate, and foreign keys whose actions change other
/// tables.
pub(in crate::store::postgres) const FOREIGN: &str = concat!(
    "
select pg_catalog.format('the trigger `%s` on `keygate.%s`', t.tgname, c.relname)
from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
    join pg_catalog.pg_proc p on p.oid = t.tgfoid
where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'keygate')
    and not t.tgisinternal and t.tgenabled <> 'D' and not (",
    is_own!(),
    ")
union all
select pg_catalog.format('the rule `%s` on `keygate.%s`', r.rulename, c.relname)
from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'keygate')
    and c.relkind = 'r' and r.ev_enabled <> 'D'
union all
select pg_catalog.format('the foreign key `%s` of `%s`', f.conname, f.conrelid::regclass)
from pg_catalog.pg_constraint f join pg_catalog.pg_class c on c.oid = f.confrelid
where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'keygate')
    and f.contype = 'f' and f.connamespace <> c.relnamespace
    and (f.confupdtype in ('c', 'n', 'd') or f.confdeltype in ('c', 'n', 'd'))
order by 1"
);

/// The number of enabled triggers of keygate, all of which are needed.
const OWN: &str = concat!(
    "
select pg_catalog.count(*)
from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
    join pg_catalog.pg_proc p on p.oid = t.tgfoid
where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'keygate')
    and not t.tgisinternal and t.tgenabled in ('O', 'A') and ",
    is_own!()
);

const COUNT: i64 = 10;

pub(super) async fn check(
    connection: &mut PgConnection,
    findings: &mut Vec<DatabaseFinding>,
) -> Result<(), sqlx::Error> {
    let foreign = foreign(connection).await?;
    if !foreign.is_empty() {
        let message = format!(
            "{} may undo or rewrite changes; a change that does not read back as written fails",
            foreign.join(", ")
        );
        findings.push(DatabaseFinding::warning("triggers", message));
    }
    let own: i64 = raw_sql(OWN).fetch_one(connection).await?.try_get(0)?;
    if own < COUNT {
        let message = "triggers of keygate are missing or disabled, so that replicas miss changes: `alter table ... enable trigger user` on keygate.clients, \
                       keygate.keys and keygate.events";
        findings.push(DatabaseFinding::error("triggers-missing", message));
    }
    Ok(())
}

/// Describes the triggers, rules and foreign keys that are not keygate's, each with its table.
pub(in crate::store::postgres) async fn foreign(
    connection: &mut PgConnection,
) -> Result<Vec<String>, sqlx::Error> {
    let rows = raw_sql(FOREIGN).fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}
