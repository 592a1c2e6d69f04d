//! The settings under which statements run, whatever the server, the database or the role says.
//!
//! A name without a schema is found in `pg_catalog` and nowhere else, operators included: in another
//! schema, any role may have made one of its own (CVE-2018-1058). A policy that would hide rows is
//! an error.

use std::fmt::Write as _;

/// The settings of one transaction, for the beginning of a message with more statements: the server
/// makes one transaction of it.
macro_rules! local_settings {
    () => {
        "set local search_path = pg_catalog, pg_temp; set local row_security = off; "
    };
}

/// As [`local_settings`], for as long as the connection lasts, which no pooler lends to others.
macro_rules! session_settings {
    () => {
        "set search_path = pg_catalog, pg_temp; set row_security = off; "
    };
}

pub(in crate::store) use {local_settings, session_settings};

/// Bytes as a statement may hold them, whatever they are and however the server reads literals.
pub(in crate::store) fn hex(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // A text takes whatever is written to it.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
