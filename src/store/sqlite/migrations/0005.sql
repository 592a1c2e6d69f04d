-- The tables of keygate, version 5: a key may begin to work later. Older readers would admit it before.
alter table keygate_keys add column not_before text
    check (not_before glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*');

-- For filters of lists, rounded up: a missing beginning is the first time.
alter table keygate_keys add column not_before_order integer not null generated always as (
    min(max(coalesce(
        cast(strftime('%s', substr(not_before, 1, 19) || ltrim(substr(not_before, 20), '.0123456789')) as integer) * 1000000
        + case substr(not_before, 20, 1) when '.' then cast(cast(substr(not_before, 20) as real) * 1000000 + 0.9999 as integer) else 0 end,
        0
    ), 0), 253402300799999999)
) virtual;
