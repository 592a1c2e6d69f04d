//! The shared part of the SQL stores: rows, changes and errors.
//!
//! A store implements [`Database`], [`Transaction`] and [`Dialect`]; the functions here implement the operations of the
//! store, and `columns.rs` lists its columns. Start with `managing.rs`.

mod client_columns;
mod column;
mod columns;
mod cursor;
mod error;
mod events;
mod filters;
mod finding;
mod listing;
mod manage_keys;
mod managing;
mod migrations;
mod paging;
mod purging;
mod read_back;
mod retrying;
mod row;
mod select;
mod tombstones;
mod transaction;
mod transfer;
#[cfg(feature = "usage")]
mod usage;

pub(super) use column::{Codec, Column, KeyTime, Table, Value};
pub(super) use columns::{CLIENTS, KEYS};
pub(super) use cursor::{Cursor, Dialect, ValueError, Values, record_columns, table, with_client};
#[cfg(feature = "postgres")]
pub(super) use cursor::{client_columns, key_columns};
pub use error::DatabaseError;
pub(super) use events::event_page;
pub use finding::DatabaseFinding;
pub(super) use listing::{
    find_client, find_key, list_clients, list_keys, list_readable_clients, list_readable_keys,
};
pub(super) use manage_keys::manage_keys;
pub(super) use managing::{
    add_client, enable_client, issue, policy, remove_client, revoke, rotate, update_client,
    update_key, update_policy,
};
pub(super) use migrations::{Migration, Migrations};
#[cfg(all(test, feature = "sqlite"))]
pub(super) use paging::key_statement;
pub(super) use paging::{client_page, key_page};
pub(super) use purging::purge_keys;
pub(super) use read_back::not_kept;
#[cfg(feature = "postgres")]
pub(super) use read_back::not_read_back;
pub(super) use retrying::retrying;
#[cfg(feature = "sqlite")]
pub(super) use retrying::retrying_while;
#[cfg(feature = "postgres")]
pub(super) use row::{BadRow, PartialRow};
#[cfg(feature = "postgres")]
pub(super) use transaction::policy_of;
pub(super) use transaction::{Database, Transaction};
pub(super) use transfer::{export_keys, import_keys};
#[cfg(feature = "usage")]
pub(super) use usage::{
    UsageDialect, read_clients_by_last_use, read_counts, read_last_uses, read_last_uses_of,
    read_watch, write_usage,
};
