use super::triggers;

/// A check of a database that keygate can use.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) is_error: bool,
    /// The query for the problems. Without a row, there is none.
    pub(super) sql: &'static str,
    pub(super) message: fn(&[String]) -> String,
}

pub(super) const CHECKS: [Check; 6] = [
    Check {
        name: "triggers",
        is_error: false,
        sql: triggers::FOREIGN,
        message: |found| {
            format!(
                "{} may undo or rewrite changes; a change that does not read back as written fails",
                found.join(", ")
            )
        },
    },
    Check {
        name: "triggers-missing",
        is_error: true,
        sql: triggers::MISSING,
        message: |_| {
            "triggers of keygate are missing or disabled, so that replicas miss changes: `alter table ... \
             enable trigger user` on keygate.clients, keygate.keys and keygate.events"
                .to_owned()
        },
    },
    Check {
        name: "synchronous-commit",
        is_error: false,
        sql: SYNCHRONOUS_COMMIT,
        message: |places| {
            format!(
                "`synchronous_commit` is off {}: a crash of the server can lose a change that was made by \
                 hand and reported as done (keygate's own changes turn it on)",
                places.join(", ")
            )
        },
    },
    Check {
        name: "fsync",
        is_error: false,
        sql: UNSAFE,
        message: |settings| {
            format!(
                "{} off: a crash of the machine can lose changes that were reported as done, or spoil the \
                 tables",
                settings.join(" and ")
            )
        },
    },
    Check {
        name: "notify-queue",
        is_error: false,
        sql: QUEUE,
        message: |_| {
            "the server's notification queue is more than 1% full, so that replicas are not woken up and \
             find changes by polling: end the sessions that listen in a long transaction"
                .to_owned()
        },
    },
    Check {
        name: "collation",
        is_error: false,
        sql: COLLATED,
        message: |columns| {
            format!(
                "{} sorted by the rules of a language: an upgrade of the system's libraries can hide rows; \
                 `alter table ... alter column ... type text collate \"C\"`",
                columns.join(", ")
            )
        },
    },
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
select name from pg_catalog.pg_settings
where name in ('fsync', 'full_page_writes') and setting = 'off' order by 1";

/// Without the right to call the function, nothing is found.
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
