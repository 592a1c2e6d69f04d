use std::io::ErrorKind;

use sqlx::Error;
use sqlx::postgres::PgDatabaseError;

use crate::error::StoreError;

/// What the driver met, in words that show neither a password nor what a row holds.
///
/// The driver's own errors print details of the server, which quote rows.
#[allow(clippy::needless_pass_by_value)] // As `map_err` hands it over.
pub(in crate::store) fn unavailable(error: Error) -> StoreError {
    StoreError::new(text(&error))
}

/// As [`unavailable`], of a connection that was not made.
pub(in crate::store) fn not_connected(error: Error, no_password: Option<&str>) -> StoreError {
    match no_password {
        Some(why) if code(&error) == Some("28P01") => {
            StoreError::new(format!("{}; {why}", text(&error)))
        }
        _ => unavailable(error),
    }
}

/// Whether the connection had ended, so that the question was not answered on it.
pub(super) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(_) => true,
        // The server's last words, read by who asks next.
        error => code(error).is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
    }
}

pub(super) fn text(error: &Error) -> String {
    match error {
        Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => format!("PostgreSQL: {} ({}){}", error.message(), error.code(), way_out(error)),
            None => "PostgreSQL answered with an error".to_owned(),
        },
        // The driver's TLS says it in its own terms.
        Error::Io(error) if error.to_string().contains("CaUsedAsEndEntity") => {
            "PostgreSQL cannot be reached by TLS: its certificate is that of an authority (CA:TRUE), \
             which may not be a server's: see the docs of `PostgresStore`"
                .to_owned()
        }
        // So says it of other certificates.
        Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            format!("PostgreSQL cannot be reached by TLS: {error}")
        }
        Error::Io(error) => format!("PostgreSQL cannot be reached: {error}"),
        // The driver has no kind for it.
        Error::Tls(error) if error.to_string().contains("does not support TLS") => {
            "the PostgreSQL server has no TLS, which `sslmode` in the URL asks for: enable it there \
             (`ssl = on`, with a certificate), or write `sslmode=disable` where you trust the network"
                .to_owned()
        }
        Error::Tls(error) => format!("PostgreSQL cannot be reached by TLS: {error}"),
        Error::Configuration(_) => "the connection to PostgreSQL is not set up rightly".to_owned(),
        Error::ColumnDecode { index, .. } => {
            format!("PostgreSQL answered with a column of another type (number {index})")
        }
        Error::Protocol(_) => "what answers does not speak PostgreSQL's protocol".to_owned(),
        Error::BeginFailed => "PostgreSQL began no transaction".to_owned(),
        _ => "the driver of PostgreSQL met an error".to_owned(),
    }
}

const ROW_SECURITY: &str = "; keygate must see all rows: `alter table keygate.... disable row level \
    security`, or give its role `bypassrls`";

const SEQUENCE: &str = "; the sequence of keygate.events did not come along with its rows, as in a logical \
    replication or a dump of the data alone: `keygate migrate` sets it, and so does `select \
    setval('keygate.events_seq_seq', max(seq)) from keygate.events`";

const READ_ONLY: &str = "; the server is a standby, or `default_transaction_read_only` is on for this role \
    or database";

/// The way out of a fault whose message does not name its cause. The message may be in another language.
fn way_out(error: &PgDatabaseError) -> &'static str {
    match error.code() {
        _ if hides_rows(error) => ROW_SECURITY,
        "23505" if error.schema() == Some("keygate") && error.table() == Some("events") => SEQUENCE,
        "25006" => READ_ONLY,
        _ => "",
    }
}

/// Returns whether row-level security would have hidden rows.
pub(in crate::store) fn is_row_security(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    error.try_downcast_ref::<PgDatabaseError>().is_some_and(hides_rows)
}

/// The code alone also means a missing right.
fn hides_rows(error: &PgDatabaseError) -> bool {
    error.code() == "42501" && error.routine() == Some("check_enable_rls")
}

/// The code of a fault that the server told (appendix A of its manual).
pub(in crate::store) fn code(error: &Error) -> Option<&str> {
    let Error::Database(error) = error else { return None };
    Some(error.try_downcast_ref::<PgDatabaseError>()?.code())
}
