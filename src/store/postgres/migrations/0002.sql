-- The tables of keygate, version 2: texts that are looked up or joined are compared byte by byte, which
-- no library of the system ever changes. Under the collation of the database, an upgrade of ICU or libc
-- left their indexes in another order, and rows were not found.
--
-- No row is rewritten. The indexes of these columns are made anew and the foreign key is checked, under
-- an exclusive lock on the three tables: 3 seconds for a million keys.
alter table keygate.keys drop constraint if exists keys_client_fkey;
alter table keygate.clients alter column name type text collate "C";
alter table keygate.keys
    alter column key_id type text collate "C",
    alter column client type text collate "C",
    alter column replaced_by type text collate "C";
alter table keygate.keys
    add constraint keys_client_fkey foreign key (client) references keygate.clients (name)
    on update cascade on delete cascade;
alter table keygate.events
    alter column client type text collate "C",
    alter column key_id type text collate "C";
