-- The tables of keygate, version 4: usage, which writers of running services add up. It lies apart from the keys, so
-- that a serving role needs no right to change them. Times are seconds since 1970.
create table keygate.usage_counts (
    -- The length of the time that is counted: a minute, an hour or a day.
    seconds int not null check (seconds in (60, 3600, 86400)),
    -- The beginning of that time.
    start bigint not null,
    client text collate "C" not null,
    key_id text collate "C" not null,
    -- `admitted`, or why requests were refused.
    outcome text collate "C" not null,
    count bigint not null,
    primary key (seconds, start, client, key_id, outcome)
);

-- When a key was last admitted, to the minute.
create table keygate.usage_last (
    client text collate "C" not null,
    key_id text collate "C" not null,
    last_used bigint not null,
    primary key (client, key_id)
);

-- Which batches were added: a batch that is sent twice is counted once.
create table keygate.usage_batches (
    instance text collate "C" not null,
    sequence bigint not null,
    at bigint not null,
    primary key (instance, sequence)
);

-- Since when, and until when, a service has written usage.
create table keygate.usage_watch (
    only_one smallint primary key check (only_one = 1),
    since bigint not null,
    until bigint not null
);
