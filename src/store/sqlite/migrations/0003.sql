-- The tables of keygate, version 3: indexes for pages of long lists.

-- The times by which lists are sorted, as microseconds since 1970: texts of equal times may differ. An unknown time of
-- issue is the first time, and a missing expiry is the last.
alter table keygate_keys add column created_order integer not null generated always as (
    min(max(coalesce(
        cast(strftime('%s', substr(created, 1, 19) || ltrim(substr(created, 20), '.0123456789')) as integer) * 1000000
        + case substr(created, 20, 1) when '.' then cast(cast(substr(created, 20) as real) * 1000000 + 0.0001 as integer) else 0 end,
        0
    ), 0), 253402300799999999)
) virtual;
alter table keygate_keys add column expires_order integer not null generated always as (
    min(max(coalesce(
        cast(strftime('%s', substr(expires, 1, 19) || ltrim(substr(expires, 20), '.0123456789')) as integer) * 1000000
        + case substr(expires, 20, 1) when '.' then cast(cast(substr(expires, 20) as real) * 1000000 + 0.0001 as integer) else 0 end,
        253402300799999999
    ), 0), 253402300799999999)
) virtual;

-- With the columns of most filters, so that they are checked without reading the row.
create index keygate_keys_by_client on keygate_keys (client, created_order, key_id, expires_order, revoked);
create index keygate_keys_by_created on keygate_keys (created_order, key_id);
create index keygate_keys_by_expires on keygate_keys (expires_order, key_id);
create index keygate_keys_label on keygate_keys (lower(label), client, created_order, key_id);
create index keygate_keys_revoked on keygate_keys (client, created_order, key_id) where revoked is not null;
create index keygate_keys_replaced on keygate_keys (client, created_order, key_id) where replaced_by is not null;
create index keygate_keys_without_expiry on keygate_keys (client, created_order, key_id) where expires is null;
create index keygate_clients_lower_name on keygate_clients (lower(name));
create index keygate_clients_disabled on keygate_clients (name) where not enabled;

-- The first index begins with the same column.
drop index keygate_keys_client;
