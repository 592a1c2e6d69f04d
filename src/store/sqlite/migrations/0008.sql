-- The tables of keygate, version 8: networks from which a key may be used. Older readers would admit it from everywhere.
alter table keygate_clients add column networks text not null default '[]' check (json_valid(networks));
alter table keygate_keys add column networks text not null default '[]' check (json_valid(networks));
