//! The statements of transactions.

use super::columns::{client_columns, key_columns};

pub(super) const SET_ORIGIN: &str =
    "insert or replace into keygate_origin (only_one, actor, tool) values (1, ?1, ?2)";
/// The rows changed by this connection, those changed by triggers included.
pub(super) const TOTAL_CHANGES: &str = "select total_changes()";
pub(super) const CLEAR_ORIGIN: &str = "delete from keygate_origin";

pub(super) const LAST_EVENT: &str = "select coalesce(max(seq), 0) from keygate_events";
pub(super) const EVENTS: &str = "select count(*) from keygate_events where seq > ?1";

pub(super) const CLIENT: &str =
    concat!("select ", client_columns!(), " from keygate_clients c where c.name = ?1");
pub(super) const CLIENTS_BY_NAME: &str = concat!(
    "select ",
    client_columns!(),
    " from keygate_clients c where c.name in (select value from json_each(?1))"
);
pub(super) const CLIENT_NAMES: &str = "select name from keygate_clients limit 10000";
pub(super) const CLIENTS: &str = concat!(
    "select ",
    client_columns!(),
    ", count(k.digest) from keygate_clients c \
     left join keygate_keys k on k.client = c.name and k.revoked is null \
     group by c.name"
);
pub(super) const LIVE_KEYS: &str =
    "select count(*) from keygate_keys where client = ?1 and revoked is null";
pub(super) const INSERT_CLIENT: &str = "insert into keygate_clients (name, enabled, scopes, quota, metadata) \
     values (?1, ?2, ?3, ?4, ?5) on conflict do nothing";
pub(super) const SET_ENABLED: &str = "update keygate_clients set enabled = ?2 where name = ?1";
pub(super) const DELETE_CLIENT: &str = "delete from keygate_clients where name = ?1";
pub(super) const KEY: &str = concat!(
    "select ",
    key_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client where k.key_id = ?1"
);
pub(super) const KEYS_BY_ID: &str = concat!(
    "select ",
    key_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client \
     where k.key_id in (select value from json_each(?1))"
);
/// Comparing 100,000 ids takes about 50 ms.
pub(super) const KEY_IDS: &str = "select * from (select key_id from keygate_keys where key_id >= ?1 \
     order by key_id limit 50000) union all \
     select * from (select key_id from keygate_keys where key_id < ?1 \
     order by key_id desc limit 50000)";
pub(super) const KEYS: &str = concat!(
    "select ",
    key_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client"
);
pub(super) const KEYS_OF: &str = concat!(
    "select ",
    key_columns!(),
    " from keygate_keys k left join keygate_clients c on c.name = k.client where k.client = ?1"
);
pub(super) const INSERT_KEY: &str = "insert into keygate_keys (digest, client, label, created, expires, revoked, replaced_by) \
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict do nothing";
pub(super) const REVOKE_KEY: &str = "update keygate_keys set revoked = ?2 where key_id = ?1";
pub(super) const REPLACE_KEY: &str =
    "update keygate_keys set expires = ?2, replaced_by = ?3 where digest = ?1";
