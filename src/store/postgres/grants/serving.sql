create role keygate_serving login password '...';
grant usage on schema keygate to keygate_serving;
grant select on keygate.migrations, keygate.clients, keygate.keys, keygate.events, keygate.policy to keygate_serving;
grant select, insert, update, delete on keygate.usage_counts, keygate.usage_last, keygate.usage_batches,
    keygate.usage_watch to keygate_serving;
