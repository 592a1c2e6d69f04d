use sqlx::Error;

use crate::error::StoreError;
use crate::store::postgres::error::{code, not_connected, unavailable};
use crate::store::sql::DatabaseError;

/// Why a session with the database ends.
pub(super) struct Fault {
    pub(super) error: DatabaseError,
    /// Whether trying again alone does not mend it.
    pub(super) is_lasting: bool,
}

impl Fault {
    pub(super) fn late(what: &str) -> Self {
        Self::new(&format!("PostgreSQL cannot be reached: {what}"))
    }

    pub(super) fn new(why: &str) -> Self {
        let error = DatabaseError::Unavailable(StoreError::new(why));
        Self { error, is_lasting: false }
    }

    /// That of a connection that was not made.
    pub(super) fn unconnected(error: Error, no_password: Option<&str>) -> Self {
        if code(&error) != Some("28P01") {
            return error.into();
        }
        Self { error: not_connected(error, no_password).into(), is_lasting: true }
    }

    pub(super) fn lasting(why: &str) -> Self {
        Self { is_lasting: true, ..Self::new(why) }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        // Appendix A of PostgreSQL's manual: no such table or schema; role or password refused, no
        // such database, not permitted.
        let (no_tables, is_lasting) = match code(&error) {
            Some("42P01" | "3F000") => (true, true),
            Some(code) => (false, code.starts_with("28") || matches!(code, "3D000" | "42501")),
            None => (false, matches!(error, Error::Configuration(_) | Error::Tls(_))),
        };
        let error = if no_tables { DatabaseError::NoTables } else { unavailable(error).into() };
        Self { error, is_lasting }
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        let is_lasting = !matches!(error, DatabaseError::Unavailable(_));
        Self { error, is_lasting }
    }
}
