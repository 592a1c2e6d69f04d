-- The tables of keygate, version 7: a policy for the lifetimes of keys. Without a row, everything is allowed.
create table keygate.policy (
    only_one boolean primary key default true check (only_one),
    -- `365d`, `12h`, `30m` or `45s`
    max_lifetime text check (max_lifetime ~ '^[0-9]+[dhms]$'),
    default_lifetime text check (default_lifetime ~ '^[0-9]+[dhms]$'),
    require_expiry boolean not null default false
);

create function keygate.policy_changed() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into keygate.events (actor, tool, action, before, after)
    values (
        keygate.actor(), keygate.tool(), 'policy.changed', to_jsonb(old) - 'only_one',
        to_jsonb(new) - 'only_one'
    );
    return null;
end $$;
revoke execute on function keygate.policy_changed() from public;

create trigger changed after insert or update or delete on keygate.policy
    for each row execute function keygate.policy_changed();

-- Every change of a key reads the policy: roles that read keys may.
do $$
declare
    role text;
begin
    for role in
        select distinct a.grantee::regrole::text
        from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
        where c.oid = 'keygate.keys'::regclass and a.privilege_type = 'SELECT'
            and a.grantee not in (0, c.relowner)
    loop
        execute format('grant select on keygate.policy to %s', role);
    end loop;
end $$;
