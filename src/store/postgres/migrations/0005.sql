-- The tables of keygate, version 5: an event has the row before and after the change, without the digest of
-- a key. Times are in UTC.
alter table keygate.events add column before jsonb, add column after jsonb;

create or replace function keygate.clients_inserted() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
    insert into keygate.events (actor, tool, action, client, after)
    select keygate.actor(), keygate.tool(), 'client.added', n.name, to_jsonb(n) from new_rows n;
    return null;
end $$;

create or replace function keygate.clients_updated() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
    insert into keygate.events (actor, tool, action, client, before, after)
    select keygate.actor(), keygate.tool(),
        case
            when n.name is null then 'client.removed'
            when o.name is null then 'client.added'
            when n.enabled and not o.enabled then 'client.enabled'
            when o.enabled and not n.enabled then 'client.disabled'
            else 'client.changed'
        end,
        coalesce(n.name, o.name), to_jsonb(o), to_jsonb(n)
    from old_rows o full join new_rows n on n.name = o.name
    where o is distinct from n;
    return null;
end $$;

create or replace function keygate.clients_deleted() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
    insert into keygate.events (actor, tool, action, client, before)
    select keygate.actor(), keygate.tool(), 'client.removed', o.name, to_jsonb(o) from old_rows o;
    return null;
end $$;

create or replace function keygate.keys_inserted() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
    insert into keygate.events (actor, tool, action, client, key_id, after)
    select keygate.actor(), keygate.tool(), 'key.issued', n.client, n.key_id,
        to_jsonb(n) - '{digest,algorithm}'::text[]
    from new_rows n;
    return null;
end $$;

create or replace function keygate.keys_updated() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
    insert into keygate.events (actor, tool, action, client, key_id, before, after)
    select keygate.actor(), keygate.tool(),
        case
            when n.key_id is null then 'key.removed'
            when o.key_id is null then 'key.issued'
            when o.revoked is null and n.revoked is not null then 'key.revoked'
            when o.replaced_by is null and n.replaced_by is not null then 'key.rotated'
            else 'key.changed'
        end,
        coalesce(n.client, o.client), coalesce(n.key_id, o.key_id),
        to_jsonb(o) - '{digest,algorithm}'::text[], to_jsonb(n) - '{digest,algorithm}'::text[]
    from old_rows o full join new_rows n on n.digest = o.digest
    where o is distinct from n;
    return null;
end $$;

create or replace function keygate.keys_deleted() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
begin
    insert into keygate.events (actor, tool, action, client, key_id, before)
    select keygate.actor(), keygate.tool(), 'key.removed', o.client, o.key_id,
        to_jsonb(o) - '{digest,algorithm}'::text[]
    from old_rows o;
    return null;
end $$;
