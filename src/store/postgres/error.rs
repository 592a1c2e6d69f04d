use std::borrow::Cow;
use std::io::ErrorKind;

use sqlx::Error;
use sqlx::error::DatabaseError;

use crate::error::StoreError;

/// Converts an error of the driver. The message shows neither a password nor the content of a row.
///
/// The driver's own messages contain details from the server, which quote rows.
#[allow(clippy::needless_pass_by_value)] // For `map_err`.
pub(in crate::store) fn unavailable(error: Error) -> StoreError {
    // A deadlock (appendix A of PostgreSQL's manual): only this transaction was rolled back.
    if code(&error).as_deref() == Some("40P01") {
        return StoreError::busy(text(&error));
    }
    StoreError::new(text(&error))
}

/// Converts the error of a failed connection attempt.
pub(in crate::store) fn not_connected(error: Error, no_password: Option<&str>) -> StoreError {
    match no_password {
        Some(why) if code(&error).as_deref() == Some("28P01") => {
            StoreError::new(format!("{}; {why}", text(&error)))
        }
        _ => unavailable(error),
    }
}

/// Returns whether the connection was lost.
pub(super) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(_) => true,
        // The server sent this when it closed the connection, and the next statement reads it.
        error => code(error).is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
    }
}

/// Returns whether a commit that failed with this error may have taken effect. Only an error from the server proves
/// that it rolled back.
pub(super) fn may_have_committed(error: &Error) -> bool {
    is_lost(error) || !matches!(error, Error::Database(_))
}

pub(super) fn text(error: &Error) -> String {
    match error {
        Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            format!("PostgreSQL: {} ({code}){}", error.message(), remedy(&**error, &code))
        }
        // The driver's TLS library has no clear message for this.
        Error::Io(error) if error.to_string().contains("CaUsedAsEndEntity") => {
            "PostgreSQL cannot be reached over TLS: the server uses the certificate of an \
             authority (CA:TRUE), \
             which is not allowed: see the docs of `PostgresStore`"
                .to_owned()
        }
        // Other certificate errors.
        Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            format!("PostgreSQL cannot be reached over TLS: {error}")
        }
        Error::Io(error) => format!("PostgreSQL cannot be reached: {error}"),
        // The driver has no variant for this.
        Error::Tls(error) if error.to_string().contains("does not support TLS") => {
            "the PostgreSQL server has no TLS, which `sslmode` in the URL requires: enable it there \
             (`ssl = on`, with a certificate), or use `sslmode=disable` if you trust the network"
                .to_owned()
        }
        Error::Tls(error) => format!("PostgreSQL cannot be reached over TLS: {error}"),
        Error::Configuration(_) => "the connection to PostgreSQL is not configured correctly".to_owned(),
        Error::ColumnDecode { index, .. } => {
            format!("PostgreSQL returned a column of an unexpected type (number {index})")
        }
        Error::Protocol(_) => "the server does not speak PostgreSQL's protocol".to_owned(),
        Error::BeginFailed => "PostgreSQL did not begin a transaction".to_owned(),
        _ => "the PostgreSQL driver failed".to_owned(),
    }
}

const DENIED: &str = "; either the role needs a grant (see docs/databases.md), or row-level security would \
    hide rows: `alter table keygate.... disable row level security`, or give the role `bypassrls`";

const SEQUENCE: &str = "; the sequence of keygate.events may be behind its rows, as after a logical \
    replication or a dump of the data alone: `keygate migrate` sets it, and so does `select \
    setval('keygate.events_seq_seq', max(seq)) from keygate.events`";

const READ_ONLY: &str = "; the server is a standby, or `default_transaction_read_only` is on for this role \
    or database";

/// Returns the remedy for an error whose message does not name the cause. Server messages may be in any language.
fn remedy(error: &dyn DatabaseError, code: &str) -> &'static str {
    match code {
        "42501" => DENIED,
        "23505" if error.constraint() == Some("events_pkey") && error.table() == Some("events") => {
            SEQUENCE
        }
        "25006" => READ_ONLY,
        _ => "",
    }
}

/// Returns the server's message, if the role lacks a grant or row-level security would have hidden rows. Both have the
/// same code.
pub(in crate::store) fn denied(error: &Error) -> Option<&str> {
    let Error::Database(error) = error else { return None };
    (error.code().as_deref() == Some("42501")).then(|| error.message())
}

/// Returns the server's error code (appendix A of its manual).
pub(in crate::store) fn code(error: &Error) -> Option<Cow<'_, str>> {
    let Error::Database(error) = error else { return None };
    error.code()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_without_a_response_may_have_taken_effect() {
        for error in [
            Error::Io(ErrorKind::ConnectionReset.into()),
            Error::Protocol("unexpected message".to_owned()),
            Error::Tls("bad record".into()),
            Error::WorkerCrashed,
        ] {
            assert!(may_have_committed(&error), "{error:?}");
        }
    }
}
