create role keygate_managing login password '...';
grant usage on schema keygate to keygate_managing;
grant select on keygate.migrations, keygate.events, keygate.policy to keygate_managing;
grant select, insert, update, delete on keygate.clients, keygate.keys to keygate_managing;
grant select, insert on keygate.tombstones to keygate_managing;
grant select on keygate.usage_counts, keygate.usage_last, keygate.usage_watch to keygate_managing;
