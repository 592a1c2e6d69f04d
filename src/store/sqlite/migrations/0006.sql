-- The tables of keygate, version 6: a title of a client, for people.
alter table keygate_clients add column title text;
