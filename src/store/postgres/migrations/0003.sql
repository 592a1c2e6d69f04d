-- The tables of keygate, version 3: a wake-up is left out where the server's queue of notifications
-- fills up because a listener anywhere in the cluster does not read it. A full queue fails every commit
-- that notifies, and a change needs no wake-up: replicas poll.
create or replace function keygate.wake() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    queued float8 := 0;
begin
    begin
        queued := pg_catalog.pg_notification_queue_usage();
    exception when insufficient_privilege then null;
    end;
    if queued > 0.01 then
        raise warning 'no replica is woken up, and each finds the change by polling: % percent of the queue of notifications is taken',
            pg_catalog.round((100 * queued)::numeric, 1);
    else
        perform pg_catalog.pg_notify('keygate', '');
    end if;
    return null;
end $$;
