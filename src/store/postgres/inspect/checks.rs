use super::triggers;
use crate::store::sql::DatabaseFinding;

/// A query for problems, and the finding if there are any.
pub(super) type Check = (&'static str, fn(&str) -> DatabaseFinding);

pub(super) const CHECKS: [Check; 6] = [
    (triggers::FOREIGN, |found| {
        let message = format!(
            "{found} may undo or rewrite changes; a change that does not read back as written fails"
        );
        DatabaseFinding::warning("triggers", message)
    }),
    (triggers::MISSING, |_| {
        let message = "triggers of keygate are missing or disabled, so replicas miss changes: \
                       `alter table ... enable trigger user` on keygate.clients, keygate.keys and \
                       keygate.events";
        DatabaseFinding::error("triggers-missing", message)
    }),
    (SYNCHRONOUS_COMMIT, |places| {
        let message = format!(
            "`synchronous_commit` is off {places}: a crash of the server can lose a change that was \
             made by hand and reported as done (keygate's own changes turn it on)"
        );
        DatabaseFinding::warning("synchronous-commit", message)
    }),
    (UNSAFE, |settings| {
        let message = format!(
            "{settings} off: a crash of the machine can lose changes that were reported as done, \
             or corrupt the tables"
        );
        DatabaseFinding::warning("fsync", message)
    }),
    (QUEUE, |_| {
        let message = "the server's notification queue is more than 1% full, so replicas are not \
            notified and find changes by polling: end the sessions that listen inside a long \
            transaction";
        DatabaseFinding::warning("notify-queue", message)
    }),
    (COLLATED, |columns| {
        let message = format!(
            "{columns} sorted by the rules of a language: an upgrade of the system's libraries can \
             hide rows; `alter table ... alter column ... type text collate \"C\"`"
        );
        DatabaseFinding::warning("collation", message)
    }),
];

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
select pg_catalog.string_agg(name, ' and ' order by name) from pg_catalog.pg_settings
where name in ('fsync', 'full_page_writes') and setting = 'off' having count(*) > 0";

/// If the role may not call the function, nothing is reported.
const QUEUE: &str = "
select 'full' where case
    when pg_catalog.has_function_privilege('pg_catalog.pg_notification_queue_usage()', 'execute')
    then pg_catalog.pg_notification_queue_usage() > 0.01 else false end";

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
