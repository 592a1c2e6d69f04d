create role keygate_serving login password '...';
grant usage on schema keygate to keygate_serving;
grant select on keygate.migrations, keygate.clients, keygate.keys, keygate.events to keygate_serving;
