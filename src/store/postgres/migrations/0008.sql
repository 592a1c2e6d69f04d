-- The tables of keygate, version 8: a key may begin to work later. Older readers would admit it before.
alter table keygate.keys add column not_before timestamptz;
