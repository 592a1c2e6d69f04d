-- The tables of keygate, version 14: an index for keys that are not yet valid.
create index keys_not_before on keygate.keys (
    (least(greatest(not_before, '1970-01-01 00:00:00+00'), '9999-12-31 23:59:59.999999+00'))
) where not_before is not null;
