-- The tables of keygate, version 12: the digests of purged keys, which cannot be added again.
create table keygate_tombstones (
    digest blob primary key not null check (length(digest) = 32),
    purged text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        check (purged glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*')
) strict, without rowid;

create trigger keygate_keys_not_purged before insert on keygate_keys
when exists (select 1 from keygate_tombstones where digest = new.digest) begin
    select raise(abort, 'the key was purged and cannot be added again: generate a new key');
end;
