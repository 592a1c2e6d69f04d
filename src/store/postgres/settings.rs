//! Settings for all statements, which override the defaults of the server, the database and the role.
//!
//! Names without a schema, including operators, are only found in `pg_catalog`: any role may have created objects with
//! the same names in other schemas (CVE-2018-1058). A policy that would hide rows is an error.

use std::fmt::Write as _;

/// The settings of one transaction. They begin a message with more statements, which the server runs as one
/// transaction.
macro_rules! local_settings {
    () => {
        "set local search_path = pg_catalog, pg_temp; set local row_security = off; "
    };
}

/// The settings of a connection. Not for poolers, which share connections.
macro_rules! session_settings {
    () => {
        "set search_path = pg_catalog, pg_temp; set row_security = off; "
    };
}

pub(in crate::store) use {local_settings, session_settings};

/// Encodes bytes in hex, for a literal.
pub(in crate::store) fn hex(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
