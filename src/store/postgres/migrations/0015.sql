-- The tables of keygate, version 15: the digests of purged keys, which cannot be added again.
create table keygate.tombstones (
    digest bytea primary key check (octet_length(digest) = 32),
    purged timestamptz not null default now()
);

-- A snapshot of its own for each statement: a purge that was committed meanwhile is seen.
create or replace function keygate.keys_inserted() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
    if exists (select from keygate.tombstones t join new_rows n on n.digest = t.digest) then
        raise exception 'a key was purged and cannot be added again: generate a new key';
    end if;
    insert into keygate.events (actor, tool, action, client, key_id, after)
    select keygate.actor(), keygate.tool(), 'key.issued', n.client, n.key_id,
        to_jsonb(n) - '{digest,algorithm}'::text[]
    from new_rows n;
    return null;
end $$;

create or replace function keygate.keys_deleted() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
    insert into keygate.events (actor, tool, action, client, key_id, before)
    select keygate.actor(), keygate.tool(),
        case when t.digest is null then 'key.removed' else 'key.purged' end,
        o.client, o.key_id, to_jsonb(o) - '{digest,algorithm}'::text[]
    from old_rows o left join keygate.tombstones t on t.digest = o.digest;
    return null;
end $$;

-- Roles that remove keys purge them, too.
do $$
declare
    role text;
begin
    for role in
        select distinct a.grantee::regrole::text
        from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
        where c.oid = 'keygate.keys'::regclass and a.privilege_type in ('INSERT', 'DELETE')
            and a.grantee not in (0, c.relowner)
    loop
        execute format('grant select, insert on keygate.tombstones to %s', role);
    end loop;
end $$;
