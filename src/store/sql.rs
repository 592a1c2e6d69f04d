//! The common part of the SQL stores: rows, changes and errors.
//!
//! A store implements [`Database`] and [`Transaction`]; the functions here are its operations. Start with
//! `managing.rs`.

mod error;
mod finding;
mod listing;
mod manage_keys;
mod managing;
mod read_back;
mod retrying;
mod row;
mod transaction;
mod transfer;

pub use error::DatabaseError;
pub use finding::DatabaseFinding;
pub(super) use listing::{
    find_client, find_key, list_clients, list_keys, list_readable_clients, list_readable_keys,
};
pub(super) use manage_keys::manage_keys;
pub(super) use managing::{add_client, enable_client, issue, remove_client, revoke, rotate};
pub(super) use read_back::not_kept;
#[cfg(feature = "postgres")]
pub(super) use read_back::not_read_back;
pub(super) use retrying::retrying;
#[cfg(feature = "sqlite")]
pub(super) use retrying::retrying_while;
pub(super) use row::{
    BadRow, ClientRow, KeyRow, PartialRow, keep_error, metadata_text, profile, quota_text,
};
pub(super) use transaction::{Database, Transaction};
pub(super) use transfer::{export_keys, import_keys};
