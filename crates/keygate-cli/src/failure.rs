use std::fmt::Display;

use keygate::manage::ManageError;
use keygate::store::KeyFileError;

/// The error of a command: a message of one line, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
}

/// The exit codes. Scripts may rely on them.
#[derive(Clone, Copy, Debug)]
enum Code {
    Refused = 1,
    Usage = 2,
    Unavailable = 3,
}

impl Failure {
    /// The command is valid, but the store or the file refuses it.
    pub(crate) fn refused(message: impl Display) -> Self {
        Self::new(Code::Refused, message)
    }

    /// The command line is not valid.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Code::Usage, message)
    }

    /// Something cannot be reached, read, written or locked.
    pub(crate) fn unavailable(message: impl Display) -> Self {
        Self::new(Code::Unavailable, message)
    }

    fn new(code: Code, message: impl Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// Appends to the message.
    pub(crate) fn and(self, more: &str) -> Self {
        Self { message: self.message + more, ..self }
    }

    /// Adds the name of the store, for commands with two stores.
    pub(crate) fn in_store(self, store: &str) -> Self {
        Self { message: format!("{store}: {}", self.message), ..self }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.code as u8
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self.code, Code::Unavailable)
    }
}

impl From<ManageError> for Failure {
    fn from(error: ManageError) -> Self {
        let code = match error {
            ManageError::Unavailable(_) | ManageError::ReadOnly { .. } => Code::Unavailable,
            _ => Code::Refused,
        };
        Self::new(code, error)
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        Self::new(Code::Unavailable, error)
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl From<keygate::store::DatabaseError> for Failure {
    fn from(error: keygate::store::DatabaseError) -> Self {
        let code = match error {
            keygate::store::DatabaseError::Location { .. } => Code::Usage,
            _ => Code::Unavailable,
        };
        Self::new(code, error)
    }
}

#[cfg(test)]
mod tests {
    use keygate::manage::RotationConflict;
    use keygate::{MemoryStore, StoreError};

    use super::*;

    #[test]
    fn refusal_and_outage_have_different_exit_codes() {
        let store = MemoryStore::new();
        let unknown = store.disable_client("App 1").unwrap_err();
        let key_id = "0000000000000000".parse().unwrap();
        let conflict = ManageError::Conflict { key_id, conflict: RotationConflict::Expired };
        let outage = ManageError::Unavailable(StoreError::new("disk on fire"));
        let read_only = ManageError::ReadOnly { why: "made from text".into() };
        let layout = ManageError::NotEditable { why: "flow style".to_owned() };
        let unreadable = "api_keys: [".parse::<keygate::YamlStore>().unwrap_err();

        assert_eq!(Failure::from(unknown).exit_code(), 1);
        assert_eq!(Failure::from(ManageError::ExpiryPassed).exit_code(), 1);
        assert_eq!(Failure::from(conflict).exit_code(), 1);
        assert_eq!(Failure::from(layout).exit_code(), 1);
        assert_eq!(Failure::usage("").exit_code(), 2);
        assert_eq!(Failure::from(outage).exit_code(), 3);
        assert_eq!(Failure::from(read_only).exit_code(), 3);
        assert_eq!(Failure::from(unreadable).exit_code(), 3);
    }
}
