-- The tables of `usage.db`, version 1. Times are seconds since 1970.
create table keygate_usage_counts (
    -- The length of the time that is counted: a minute, an hour or a day.
    seconds integer not null check (seconds in (60, 3600, 86400)),
    -- The beginning of that time.
    start integer not null,
    client text not null,
    key_id text not null,
    -- `admitted`, or why requests were refused.
    outcome text not null,
    count integer not null,
    primary key (seconds, start, client, key_id, outcome)
) strict, without rowid;

-- When a key was last admitted, to the minute.
create table keygate_usage_last (
    client text not null,
    key_id text not null,
    last_used integer not null,
    primary key (client, key_id)
) strict, without rowid;

-- Which batches were added: a batch that is sent twice is counted once.
create table keygate_usage_batches (
    instance text not null,
    sequence integer not null,
    at integer not null,
    primary key (instance, sequence)
) strict, without rowid;

-- Since when, and until when, a service has written usage.
create table keygate_usage_watch (
    only_one integer primary key check (only_one = 1),
    since integer not null,
    until integer not null
) strict;
