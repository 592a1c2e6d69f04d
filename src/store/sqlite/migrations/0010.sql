-- The tables of keygate, version 10: indexes for pages of events.
create index keygate_events_at on keygate_events (at, seq);
create index keygate_events_client on keygate_events (client, at, seq);
create index keygate_events_key on keygate_events (key_id, at, seq);
create index keygate_events_actor on keygate_events (actor, at, seq);
create index keygate_events_action on keygate_events (action, at, seq);
