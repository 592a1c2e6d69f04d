-- The tables of keygate, version 1. The file may hold tables of others besides.
create table keygate_clients (
    name text primary key check (length(name) between 1 and 128),
    enabled integer not null default 1 check (enabled in (0, 1)),
    -- `["orders:read", "invoices:*"]`
    scopes text not null default '[]' check (json_valid(scopes)),
    -- null, `"100/minute"`, `{"rate": "100/minute", "burst": 20}`, a list of these, or `"unlimited"`
    -- (An older SQLite says that null is no JSON.)
    quota text check (quota is null or json_valid(quota)),
    -- Texts by their names.
    metadata text not null default '{}' check (json_valid(metadata))
) strict, without rowid;

-- Times are texts as in RFC 3339: `2026-11-23T10:00:00Z`.
create table keygate_keys (
    digest blob primary key not null check (length(digest) = 32),
    algorithm text not null default 'sha256',
    key_id text not null unique generated always as (lower(hex(substr(digest, 1, 8)))) stored,
    client text not null
        references keygate_clients (name) on update cascade on delete cascade,
    label text,
    created text default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        check (created glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*'),
    expires text check (expires glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*'),
    revoked text check (revoked glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*'),
    -- The id of the key that takes its place.
    replaced_by text
) strict, without rowid;

create index keygate_keys_client on keygate_keys (client);

-- Who changed what, when and through which tool. Written by triggers, in the transaction of the
-- change, so that changes by hand are here too.
create table keygate_events (
    seq integer primary key autoincrement,
    at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    -- null after a change by hand: SQLite knows no users.
    actor text,
    tool text not null,
    -- client.added, client.enabled, client.disabled, client.changed, client.removed, key.issued,
    -- key.revoked, key.rotated, key.changed, key.removed
    action text not null,
    client text,
    key_id text
) strict;

-- Who makes the change that is being made. A store fills it at the beginning of a transaction and
-- empties it at the end; since there is one writer at a time, nobody else ever sees it filled.
create table keygate_origin (
    only_one integer primary key default 1 check (only_one = 1),
    actor text,
    tool text not null
) strict;

create trigger keygate_clients_inserted after insert on keygate_clients begin
    insert into keygate_events (actor, tool, action, client)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'client.added', new.name
    );
end;

create trigger keygate_clients_updated after update on keygate_clients
when old.name = new.name and (
    old.enabled is not new.enabled or old.scopes is not new.scopes
    or old.quota is not new.quota or old.metadata is not new.metadata
) begin
    insert into keygate_events (actor, tool, action, client)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        case
            when new.enabled > old.enabled then 'client.enabled'
            when new.enabled < old.enabled then 'client.disabled'
            else 'client.changed'
        end,
        new.name
    );
end;

create trigger keygate_clients_renamed after update on keygate_clients
when old.name is not new.name begin
    insert into keygate_events (actor, tool, action, client)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'client.removed', old.name
    ), (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'client.added', new.name
    );
end;

create trigger keygate_clients_deleted after delete on keygate_clients begin
    insert into keygate_events (actor, tool, action, client)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'client.removed', old.name
    );
end;

create trigger keygate_keys_inserted after insert on keygate_keys begin
    insert into keygate_events (actor, tool, action, client, key_id)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'key.issued', new.client, new.key_id
    );
end;

create trigger keygate_keys_updated after update on keygate_keys
when old.digest = new.digest and (
    old.algorithm is not new.algorithm or old.client is not new.client
    or old.label is not new.label or old.created is not new.created
    or old.expires is not new.expires or old.revoked is not new.revoked
    or old.replaced_by is not new.replaced_by
) begin
    insert into keygate_events (actor, tool, action, client, key_id)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        case
            when old.revoked is null and new.revoked is not null then 'key.revoked'
            when old.replaced_by is null and new.replaced_by is not null then 'key.rotated'
            else 'key.changed'
        end,
        new.client, new.key_id
    );
end;

create trigger keygate_keys_renamed after update on keygate_keys
when old.digest is not new.digest begin
    insert into keygate_events (actor, tool, action, client, key_id)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'key.removed', old.client, old.key_id
    ), (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'key.issued', new.client, new.key_id
    );
end;

create trigger keygate_keys_deleted after delete on keygate_keys begin
    insert into keygate_events (actor, tool, action, client, key_id)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'key.removed', old.client, old.key_id
    );
end;

create trigger keygate_events_not_updated before update on keygate_events begin
    select raise(abort, 'keygate_events is append-only');
end;

create trigger keygate_events_not_deleted before delete on keygate_events begin
    select raise(abort, 'keygate_events is append-only');
end;

-- `insert or replace` deletes without asking the trigger above.
create trigger keygate_events_not_replaced before insert on keygate_events
when exists (select 1 from keygate_events where seq = new.seq) begin
    select raise(abort, 'keygate_events is append-only');
end;
