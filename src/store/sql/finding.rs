use std::fmt;

use super::DatabaseError;

/// A property of a database that keeps keygate from using it, or that can hide, delay or rewrite a
/// change.
///
/// `Display` is one line for the operator: the name, and a message with the way out. It never shows a
/// password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseFinding {
    /// A short name that stays the same from version to version, such as `triggers`.
    pub name: &'static str,
    /// Whether keys or changes fail because of it. All others are warnings.
    pub is_error: bool,
    /// What was found, and the way out.
    pub message: String,
}

impl DatabaseFinding {
    pub(in crate::store) fn error(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, is_error: true, message: message.into() }
    }

    pub(in crate::store) fn warning(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, is_error: false, message: message.into() }
    }

    /// The finding for tables that cannot be used. An outage is an error and no finding.
    pub(in crate::store) fn of(error: DatabaseError) -> Result<Self, DatabaseError> {
        match error {
            DatabaseError::Unavailable(_) => Err(error),
            DatabaseError::RowSecurity { .. } => Ok(Self::error("row-security", error.to_string())),
            DatabaseError::ForeignOwner { .. } => Ok(Self::error("owner", error.to_string())),
            DatabaseError::Location { why } => Ok(Self::error("tables", why)),
            error => Ok(Self::error("tables", error.to_string())),
        }
    }
}

impl fmt::Display for DatabaseFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}
