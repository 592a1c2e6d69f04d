use sqlx::Error;

use crate::error::StoreError;
use crate::store::postgres::error::{code, denied, not_connected, unavailable};
use crate::store::sql::DatabaseError;

/// The error that ended a session with the database.
pub(super) struct SessionError {
    pub(super) error: DatabaseError,
    /// Whether retrying alone cannot help.
    pub(super) is_lasting: bool,
    /// The server's message, if the role lacks a grant or row-level security would have hidden rows.
    pub(super) denied: Option<String>,
}

impl SessionError {
    pub(super) fn timed_out() -> Self {
        Self::unreachable("the server did not respond")
    }

    pub(super) fn unreachable(why: &str) -> Self {
        Self::new(&format!("PostgreSQL cannot be reached: {why}"))
    }

    pub(super) fn new(why: &str) -> Self {
        let error = DatabaseError::Unavailable(StoreError::new(why));
        Self { error, is_lasting: false, denied: None }
    }

    pub(super) fn lasting(why: &str) -> Self {
        Self { is_lasting: true, ..Self::new(why) }
    }

    /// The error of a failed connection attempt.
    pub(super) fn not_connected(error: Error, no_password: Option<&str>) -> Self {
        if code(&error).as_deref() != Some("28P01") {
            return error.into();
        }
        let error = not_connected(error, no_password).into();
        Self { error, is_lasting: true, denied: None }
    }
}

impl From<Error> for SessionError {
    fn from(error: Error) -> Self {
        // Appendix A of PostgreSQL's manual: no such table or schema; role or password refused, no
        // such database, not permitted.
        let (no_tables, is_lasting) = match code(&error).as_deref() {
            Some("42P01" | "3F000") => (true, true),
            Some(code) => (false, code.starts_with("28") || matches!(code, "3D000" | "42501")),
            None => (false, matches!(error, Error::Configuration(_) | Error::Tls(_))),
        };
        let denied = denied(&error).map(str::to_owned);
        let error = if no_tables { DatabaseError::NoTables } else { unavailable(error).into() };
        Self { error, is_lasting, denied }
    }
}

impl From<DatabaseError> for SessionError {
    fn from(error: DatabaseError) -> Self {
        let is_lasting = !matches!(error, DatabaseError::Unavailable(_));
        Self { error, is_lasting, denied: None }
    }
}
