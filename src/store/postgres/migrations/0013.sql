-- The tables of keygate, version 13: indexes for pages of events.
create index events_at on keygate.events (at, seq);
create index events_client on keygate.events (client, at, seq);
create index events_key on keygate.events (key_id, at, seq);
-- The name of an actor may have any length, and a row of an index may not.
create index events_actor on keygate.events (pg_catalog.left(actor, 128), at, seq);
create index events_action on keygate.events (action, at, seq);
