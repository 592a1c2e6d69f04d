-- The tables of keygate, version 13: indexes of few rows that pages of lists read alone, without other rows.

-- Unique, so that the keys of disabled clients are found in the order of the list.
drop index keygate_clients_disabled;
create unique index keygate_clients_disabled on keygate_clients (name) where not enabled;

-- With the column of the condition, which a statement reads although the index implies it.
drop index keygate_keys_revoked;
create index keygate_keys_revoked on keygate_keys (client, created_order, key_id, revoked) where revoked is not null;
drop index keygate_keys_replaced;
create index keygate_keys_replaced on keygate_keys (client, created_order, key_id, replaced_by)
    where replaced_by is not null;
