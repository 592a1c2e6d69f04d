-- The tables of keygate, version 11: networks from which a key may be used. Older readers would admit it from everywhere.
alter table keygate.clients add column networks text[] not null default '{}';
alter table keygate.keys add column networks text[] not null default '{}';
