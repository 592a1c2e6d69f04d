-- The tables of keygate, version 10: scopes of a key, which narrow those of its client. Older readers would give it all.
alter table keygate.keys add column scopes text[] not null default '{}';
