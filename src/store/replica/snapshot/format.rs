//! The format of a snapshot file, in this order:
//!
//! - [`FORMAT`];
//! - the time of the last contact and its checksum, which are updated in place;
//! - the number of keys in eight bytes, and a line that identifies the database;
//! - a record for each client, before the first of its keys, and for each key, in the order of the digests;
//! - a record for each refused key;
//! - the SHA-256 of all this, without the time.

use std::collections::HashSet;
use std::io;

use sqlx::postgres::PgConnectOptions;

use crate::key::KeyDigest;

pub(super) const FORMAT: &str = "keygate snapshot 3\n";
/// Begins the record of a client: its length in four bytes, and its columns as JSON.
pub(super) const CLIENT: u8 = b'C';
/// Begins the record of a key: its digest, the index of its client in four bytes, its state in one,
/// and its expiry in microseconds since 1970, plus one, in eight.
pub(super) const KEY: u8 = b'K';
/// Begins the record of a refused key: its digest.
pub(super) const REFUSED: u8 = b'R';

/// The checksum at the end of the file.
pub(super) type Checksum = [u8; 32];

pub(super) type RefusedDigests = HashSet<KeyDigest>;

/// Identifies the database of a snapshot by its address, since the server may be away. One line without a
/// role or a password.
pub(in crate::store::replica) fn database_label(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().map(|socket| socket.to_string_lossy().into_owned());
    let host = socket.unwrap_or_else(|| options.get_host().to_owned());
    // The server's default is the name of the role.
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{database:?} at {host:?}, port {}", options.get_port())
}

pub(super) fn unusable(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the snapshot cannot be used: {why}"))
}
