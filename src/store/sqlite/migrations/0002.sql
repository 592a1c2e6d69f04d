-- The tables of keygate, version 2: an event has the row before and after the change. Triggers fill them.
alter table keygate_events add column before text;
alter table keygate_events add column after text;
