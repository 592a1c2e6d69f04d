-- The tables of `usage.db`, version 2: indexes for lists of clients by last use, and for the usage of some clients by hour,
-- in whose order they are summed.
create index keygate_usage_last_by_time on keygate_usage_last (last_used, client);
create index keygate_usage_counts_by_client
    on keygate_usage_counts (client, seconds, start - start % 3600, outcome, start, count);
