//! Key files: what is taken, exactly as it stands, and what is refused, where and with which way out.

mod accepted;
mod check;
mod invisible;
mod lines;
mod nulls;
mod properties;
mod refused_clients;
mod refused_entries;
mod refused_syntax;
mod times;
mod unreadable;
mod weak_keys;
