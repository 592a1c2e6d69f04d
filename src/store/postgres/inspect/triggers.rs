/// The triggers of keygate, by table, name and function, since a foreign trigger may have the name of one of them.
macro_rules! own {
    () => {
        "(values
            ('clients', 'inserted', 'clients_inserted'), ('clients', 'updated', 'clients_updated'),
            ('clients', 'deleted', 'clients_deleted'), ('clients', 'truncated', 'all_removed'),
            ('keys', 'inserted', 'keys_inserted'), ('keys', 'updated', 'keys_updated'),
            ('keys', 'deleted', 'keys_deleted'), ('keys', 'truncated', 'all_removed'),
            ('events', 'woken', 'wake'), ('events', 'append_only', 'append_only'),
            ('policy', 'changed', 'policy_changed'))
        own (place, name, function)"
    };
}

/// Foreign triggers and rules on the tables of keygate, and foreign keys whose actions change other tables.
pub(in crate::store::postgres) const FOREIGN: &str = concat!(
    "
select pg_catalog.format('the trigger `%s` on `keygate.%s`', t.tgname, c.relname)
from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
    join pg_catalog.pg_proc p on p.oid = t.tgfoid
where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'keygate')
    and not t.tgisinternal and t.tgenabled <> 'D' and not exists (
        select from ",
    own!(),
    "
        where p.pronamespace = c.relnamespace
            and own.place = c.relname and own.name = t.tgname and own.function = p.proname)
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

/// Triggers of keygate that do not exist or are disabled.
pub(super) const MISSING: &str = concat!(
    "select own.name from ",
    own!(),
    "
where not exists (
    select from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
        join pg_catalog.pg_proc p on p.oid = t.tgfoid
    where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'keygate')
        and not t.tgisinternal and t.tgenabled in ('O', 'A') and p.pronamespace = c.relnamespace
        and own.place = c.relname and own.name = t.tgname and own.function = p.proname)"
);
