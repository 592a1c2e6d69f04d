-- The tables of keygate, version 9: an index for the search of clients by title.
create index keygate_clients_lower_title on keygate_clients (lower(title));
