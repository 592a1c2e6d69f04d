//! Loading key files: accepted content, and the place, message and remedy of each error.

mod accepted;
pub(crate) mod check;
mod invisible;
mod lines;
mod lints;
mod nulls;
mod policies;
mod properties;
mod refused_clients;
mod refused_entries;
mod refused_keys;
mod refused_syntax;
mod restrictions;
mod times;
mod unreadable;
mod weak_keys;
