-- Made before the first migration: which migrations were run. A keygate reads the tables if it knows the
-- version `oldest_reader` of the newest one.
create table if not exists keygate_migrations (
    version integer primary key,
    oldest_reader integer not null,
    applied text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    by text not null
) strict;
