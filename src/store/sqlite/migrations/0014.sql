-- The tables of keygate, version 14: an index alone finds the keys of a page, and only their rows are read.
-- SQLite reads the row for each entry of an index with a computed column, also with the id, which begins the digest.
-- So ordinary columns hold the times of the order, and the indexes end with the digest.
alter table keygate_keys add column stored_created_order integer not null default 0;
alter table keygate_keys add column stored_expires_order integer not null default 253402300799999999;
update keygate_keys set stored_created_order = created_order, stored_expires_order = expires_order;

-- A store writes both columns itself. These are for changes by hand, and for older versions.
create trigger keygate_keys_order_inserted after insert on keygate_keys
when new.stored_created_order is not new.created_order or new.stored_expires_order is not new.expires_order begin
    update keygate_keys set stored_created_order = created_order, stored_expires_order = expires_order
    where digest = new.digest;
end;
create trigger keygate_keys_order_updated
after update of created, expires, stored_created_order, stored_expires_order on keygate_keys
when new.stored_created_order is not new.created_order or new.stored_expires_order is not new.expires_order begin
    update keygate_keys set stored_created_order = created_order, stored_expires_order = expires_order
    where digest = new.digest;
end;

-- With the columns of some filters, so that these are checked in the index.
drop index keygate_keys_by_client;
create index keygate_keys_by_client on keygate_keys (
    client, stored_created_order, digest, stored_expires_order, revoked, scopes
);
drop index keygate_keys_by_created;
create index keygate_keys_by_created on keygate_keys (stored_created_order, digest);
drop index keygate_keys_by_expires;
create index keygate_keys_by_expires on keygate_keys (stored_expires_order, digest, revoked);
drop index keygate_keys_label;
create index keygate_keys_label on keygate_keys (label collate nocase, client, stored_created_order, digest);
drop index keygate_keys_revoked;
create index keygate_keys_revoked on keygate_keys (client, stored_created_order, digest, revoked) where revoked is not null;
drop index keygate_keys_replaced;
create index keygate_keys_replaced on keygate_keys (client, stored_created_order, digest, replaced_by)
    where replaced_by is not null;
drop index keygate_keys_without_expiry;
create index keygate_keys_without_expiry on keygate_keys (client, stored_created_order, digest, expires)
    where expires is null;
