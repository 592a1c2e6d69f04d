-- The tables of keygate, version 11: indexes that tell how many rows a filter of a list finds, without reading the rows.
-- SQLite never reads an index alone if it has an expression or a generated column that the statement uses. Comparing
-- with `nocase` is comparing in lower case.
drop index keygate_keys_label;
create index keygate_keys_label on keygate_keys (label collate nocase, client, created_order, key_id);
create index keygate_keys_expires on keygate_keys (expires) where expires is not null;
create index keygate_keys_not_before on keygate_keys (not_before_order) where not_before is not null;
drop index keygate_clients_lower_name;
drop index keygate_clients_lower_title;
create index keygate_clients_name on keygate_clients (name collate nocase);
create index keygate_clients_title on keygate_clients (title collate nocase);
