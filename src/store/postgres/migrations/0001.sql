-- The tables of keygate, version 1. All names stand in a schema of their own, so that the database
-- may hold others besides and no search path matters.
create table keygate.migrations (
    version int primary key,
    -- The version that a keygate must know at least to read these tables.
    oldest_reader int not null,
    applied timestamptz not null default now(),
    by text not null default session_user
);

create table keygate.clients (
    name text primary key check (char_length(name) between 1 and 128),
    enabled boolean not null default true,
    -- `{orders:read,invoices:*}`
    scopes text[] not null default '{}',
    -- null, `"100/minute"`, `{"rate": "100/minute", "burst": 20}`, a list of these, or `"unlimited"`
    quota jsonb,
    -- Texts by their names.
    metadata jsonb not null default '{}'
);

create table keygate.keys (
    digest bytea primary key check (octet_length(digest) = 32),
    algorithm text not null default 'sha256',
    key_id text not null unique generated always as (left(encode(digest, 'hex'), 16)) stored,
    client text not null references keygate.clients on update cascade on delete cascade,
    label text,
    created timestamptz default now(),
    expires timestamptz,
    revoked timestamptz,
    -- The id of the key that takes its place.
    replaced_by text
);

create index keys_client on keygate.keys (client);

-- Who changed what, when and through which tool. Written by triggers, in the transaction of the
-- change, so that changes by hand are here too. Replicas follow it by (txid, seq).
create table keygate.events (
    seq bigint generated always as identity primary key,
    txid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default clock_timestamp(),
    -- As they call themselves.
    actor text not null,
    tool text not null,
    -- As the server knows them.
    role text not null default session_user,
    -- client.added, client.enabled, client.disabled, client.changed, client.removed, key.issued,
    -- key.revoked, key.rotated, key.changed, key.removed, all.removed
    action text not null,
    client text,
    key_id text
);

create index events_txid on keygate.events (txid, seq);

create function keygate.actor() returns text
    language sql stable set search_path = pg_catalog, pg_temp
    return coalesce(nullif(current_setting('keygate.actor', true), ''), session_user::text);

create function keygate.tool() returns text
    language sql stable set search_path = pg_catalog, pg_temp
    return coalesce(
        nullif(current_setting('keygate.tool', true), ''),
        nullif(current_setting('application_name', true), ''),
        'sql'
    );

-- The trigger functions run with the rights of their owner: whoever may change keys need not, and
-- must not, write events.
create function keygate.clients_inserted() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into keygate.events (actor, tool, action, client)
    select keygate.actor(), keygate.tool(), 'client.added', name from new_rows;
    return null;
end $$;

create function keygate.clients_updated() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into keygate.events (actor, tool, action, client)
    select keygate.actor(), keygate.tool(),
        case
            when n.name is null then 'client.removed'
            when o.name is null then 'client.added'
            when n.enabled and not o.enabled then 'client.enabled'
            when o.enabled and not n.enabled then 'client.disabled'
            else 'client.changed'
        end,
        coalesce(n.name, o.name)
    from old_rows o full join new_rows n on n.name = o.name
    where o is distinct from n;
    return null;
end $$;

create function keygate.clients_deleted() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into keygate.events (actor, tool, action, client)
    select keygate.actor(), keygate.tool(), 'client.removed', name from old_rows;
    return null;
end $$;

create function keygate.keys_inserted() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into keygate.events (actor, tool, action, client, key_id)
    select keygate.actor(), keygate.tool(), 'key.issued', client, key_id from new_rows;
    return null;
end $$;

create function keygate.keys_updated() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into keygate.events (actor, tool, action, client, key_id)
    select keygate.actor(), keygate.tool(),
        case
            when n.key_id is null then 'key.removed'
            when o.key_id is null then 'key.issued'
            when o.revoked is null and n.revoked is not null then 'key.revoked'
            when o.replaced_by is null and n.replaced_by is not null then 'key.rotated'
            else 'key.changed'
        end,
        coalesce(n.client, o.client), coalesce(n.key_id, o.key_id)
    from old_rows o full join new_rows n on n.digest = o.digest
    where o is distinct from n;
    return null;
end $$;

create function keygate.keys_deleted() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into keygate.events (actor, tool, action, client, key_id)
    select keygate.actor(), keygate.tool(), 'key.removed', client, key_id from old_rows;
    return null;
end $$;

create function keygate.all_removed() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into keygate.events (actor, tool, action)
    values (keygate.actor(), keygate.tool(), 'all.removed');
    return null;
end $$;

-- An empty wake-up: what changed stands in the table, for those who may read it. PostgreSQL sends
-- equal notices of one transaction once.
create function keygate.wake() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('keygate', '');
    return null;
end $$;

create function keygate.append_only() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'keygate.events is append-only';
end $$;

create trigger inserted after insert on keygate.clients
    referencing new table as new_rows
    for each statement execute function keygate.clients_inserted();
create trigger updated after update on keygate.clients
    referencing old table as old_rows new table as new_rows
    for each statement execute function keygate.clients_updated();
create trigger deleted after delete on keygate.clients
    referencing old table as old_rows
    for each statement execute function keygate.clients_deleted();
create trigger truncated after truncate on keygate.clients
    for each statement execute function keygate.all_removed();

create trigger inserted after insert on keygate.keys
    referencing new table as new_rows
    for each statement execute function keygate.keys_inserted();
create trigger updated after update on keygate.keys
    referencing old table as old_rows new table as new_rows
    for each statement execute function keygate.keys_updated();
create trigger deleted after delete on keygate.keys
    referencing old table as old_rows
    for each statement execute function keygate.keys_deleted();
create trigger truncated after truncate on keygate.keys
    for each statement execute function keygate.all_removed();

create trigger woken after insert on keygate.events
    for each statement execute function keygate.wake();
create trigger append_only before update or delete or truncate on keygate.events
    for each statement execute function keygate.append_only();

-- Otherwise everyone could make tables of their own that write events.
revoke execute on all functions in schema keygate from public;
