-- The tables of keygate, version 12: an index for the search of clients by title.
create index clients_lower_title on keygate.clients (pg_catalog.lower(title collate "C"));
