use std::fmt;

use super::DatabaseError;

/// A problem of a database: keygate cannot use it, or it can hide, delay or rewrite changes.
///
/// `Display` is one line for the operator: the name, and a message with the remedy. It never shows a
/// password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseFinding {
    /// A short name, such as `triggers`, which is stable across versions.
    pub name: &'static str,
    /// Whether lookups or changes fail because of it. Otherwise it is a warning.
    pub is_error: bool,
    /// The problem and the remedy.
    pub message: String,
}

impl DatabaseFinding {
    pub(in crate::store) fn error(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, is_error: true, message: message.into() }
    }

    pub(in crate::store) fn warning(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, is_error: false, message: message.into() }
    }

    /// Converts the error for unusable tables. An outage stays an error.
    pub(in crate::store) fn of(error: DatabaseError) -> Result<Self, DatabaseError> {
        let name = match error {
            DatabaseError::Unavailable(_) => return Err(error),
            DatabaseError::RowSecurity { .. } => "row-security",
            DatabaseError::ForeignOwner { .. } => "owner",
            DatabaseError::Location { .. }
            | DatabaseError::NoTables
            | DatabaseError::TooOld { .. }
            | DatabaseError::TooNew { .. }
            | DatabaseError::Encoding { .. }
            | DatabaseError::NotATable { .. } => "tables",
        };
        Ok(Self::error(name, error.to_string()))
    }
}

impl fmt::Display for DatabaseFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}
