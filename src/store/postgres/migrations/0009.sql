-- The tables of keygate, version 9: a title of a client, for people.
alter table keygate.clients add column title text;
