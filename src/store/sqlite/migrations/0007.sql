-- The tables of keygate, version 7: scopes of a key, which narrow those of its client. Older readers would give it all.
alter table keygate_keys add column scopes text not null default '[]' check (json_valid(scopes));
