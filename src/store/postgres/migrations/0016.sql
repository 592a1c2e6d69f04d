-- The tables of keygate, version 16: indexes for lists of clients by last use, and for the usage of some clients.
create index usage_last_by_time on keygate.usage_last (last_used, client);
create index usage_counts_by_client on keygate.usage_counts (client, seconds, start);
