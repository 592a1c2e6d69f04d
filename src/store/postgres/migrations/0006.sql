-- The tables of keygate, version 6: indexes for pages of long lists.

-- Times by which lists are sorted: an unknown time of issue is the first time, and a missing expiry is the last.
create index keys_by_client on keygate.keys (
    client, (least(greatest(created, '1970-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')), key_id
);
create index keys_by_created on keygate.keys (
    (least(greatest(created, '1970-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')), key_id
);
create index keys_by_expires on keygate.keys (
    (greatest(least(expires, '9999-12-31 23:59:59.999999+00'), '1970-01-01 00:00:00+00')), key_id
);
create index keys_label on keygate.keys (
    pg_catalog.lower(label collate "C"), client,
    (least(greatest(created, '1970-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')), key_id
);
create index keys_revoked on keygate.keys (
    client, (least(greatest(created, '1970-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')), key_id
) where revoked is not null;
create index keys_replaced on keygate.keys (
    client, (least(greatest(created, '1970-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')), key_id
) where replaced_by is not null;
create index keys_without_expiry on keygate.keys (
    client, (least(greatest(created, '1970-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00')), key_id
) where expires is null;
create index clients_lower_name on keygate.clients (pg_catalog.lower(name collate "C"));
create index clients_disabled on keygate.clients (name) where not enabled;

-- The first index begins with the same column.
drop index keygate.keys_client;
