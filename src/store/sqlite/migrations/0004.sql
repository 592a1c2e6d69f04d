-- The tables of keygate, version 4: a policy for the lifetimes of keys. Without a row, everything is allowed.
create table keygate_policy (
    only_one integer not null default 1 unique check (only_one = 1),
    -- `365d`, `12h`, `30m` or `45s`
    max_lifetime text check (max_lifetime glob '[0-9]*[dhms]'),
    default_lifetime text check (default_lifetime glob '[0-9]*[dhms]'),
    require_expiry integer not null default 0 check (require_expiry in (0, 1))
) strict;

create trigger keygate_policy_inserted after insert on keygate_policy begin
    insert into keygate_events (actor, tool, action, after)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'policy.changed',
        json_object(
            'max_lifetime', new.max_lifetime, 'default_lifetime', new.default_lifetime,
            'require_expiry', json(case when new.require_expiry then 'true' else 'false' end)
        )
    );
end;

create trigger keygate_policy_updated after update on keygate_policy begin
    insert into keygate_events (actor, tool, action, before, after)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'policy.changed',
        json_object(
            'max_lifetime', old.max_lifetime, 'default_lifetime', old.default_lifetime,
            'require_expiry', json(case when old.require_expiry then 'true' else 'false' end)
        ),
        json_object(
            'max_lifetime', new.max_lifetime, 'default_lifetime', new.default_lifetime,
            'require_expiry', json(case when new.require_expiry then 'true' else 'false' end)
        )
    );
end;

create trigger keygate_policy_deleted after delete on keygate_policy begin
    insert into keygate_events (actor, tool, action, before)
    values (
        (select actor from keygate_origin), coalesce((select tool from keygate_origin), 'sql'),
        'policy.changed',
        json_object(
            'max_lifetime', old.max_lifetime, 'default_lifetime', old.default_lifetime,
            'require_expiry', json(case when old.require_expiry then 'true' else 'false' end)
        )
    );
end;
