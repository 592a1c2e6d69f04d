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

fn text(error: &Error) -> String {
    match error {
        Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => format!("PostgreSQL: {} ({})", error.message(), error.code()),
            None => "PostgreSQL answered with an error".to_owned(),
        },
        Error::Io(error) => format!("PostgreSQL cannot be reached: {error}"),
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

/// The code of a fault that the server told (appendix A of its manual).
pub(in crate::store) fn code(error: &Error) -> Option<&str> {
    let Error::Database(error) = error else { return None };
    Some(error.try_downcast_ref::<PgDatabaseError>()?.code())
}
