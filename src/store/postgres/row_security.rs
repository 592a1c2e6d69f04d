//! Policies of row-level security that hide rows of a table from the role of a session.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use tokio::time::timeout;

use super::error::{denied, text, unavailable};
use super::settings::local_settings;
use super::{query, rights};
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

const HIDDEN: &str = concat!(
    local_settings!(),
    "select c.relname::text, coalesce((select string_agg(p.polname::text, ', ' order by p.polname) \
     from pg_catalog.pg_policy p where p.polrelid = c.oid), 'none, so that no row is visible') \
     from pg_catalog.pg_class c \
     where c.relnamespace = to_regnamespace('keygate') and c.relkind in ('r', 'p') \
     and pg_catalog.row_security_active(c.oid) order by c.relname"
);

/// Ends a failed transaction and begins another one, so that later statements of the same change do not take effect.
pub(super) const RESTART: &str = "rollback; begin read only; ";

/// The minimum time between two queries for policies, so that an outage does not double the load.
const INTERVAL: Duration = Duration::from_secs(5);

/// Refuses tables whose rows a policy would hide.
pub(in crate::store) async fn check(
    connection: &mut PgConnection,
    in_transaction: bool,
) -> Result<(), DatabaseError> {
    let tables = hidden(connection, in_transaction).await.map_err(unavailable)?;
    tables.into_iter().next().map_or(Ok(()), |first| Err(row_security(first)))
}

fn row_security((table, policies): (String, String)) -> DatabaseError {
    DatabaseError::RowSecurity { table, policies }
}

/// Returns an error that names the policies of the table in the server's message, if they would hide its rows. The
/// message of a missing grant has the same code.
pub(in crate::store) async fn cause(
    connection: &mut PgConnection,
    in_transaction: bool,
    message: &str,
) -> Option<DatabaseError> {
    let tables = hidden(connection, in_transaction).await.ok()?;
    tables.into_iter().find(|(table, _)| names_table(message, table)).map(row_security)
}

/// Names the policies that would have hidden rows, or the rights that the role lacks.
async fn reason(
    connection: &mut PgConnection,
    in_transaction: bool,
    message: &str,
) -> Option<StoreError> {
    if let Some(named) = cause(connection, in_transaction, message).await {
        return Some(StoreError::new(named));
    }
    rights::lacking(connection, in_transaction, message).await
}

/// The quotes around a name, if any, depend on the language.
pub(super) fn names_table(message: &str, table: &str) -> bool {
    let is_in_name = |char: char| char.is_alphanumeric() || char == '_';
    message.split(|char| !is_in_name(char)).any(|word| word == table)
}

/// The tables whose rows a policy would hide, each with the names of its policies.
async fn hidden(
    connection: &mut PgConnection,
    in_transaction: bool,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let sql = format!("{}{HIDDEN}", if in_transaction { RESTART } else { "" });
    query::rows(connection, AssertSqlSafe(sql)).await
}

/// The last error whose policies and rights were looked up.
#[derive(Default)]
pub(super) struct LastNamed(Mutex<Option<Named>>);

struct Named {
    since: Instant,
    message: String,
    /// `None` while the query runs, and after it failed.
    error: Option<StoreError>,
}

impl LastNamed {
    /// Converts the error of a statement. If a policy would have hidden rows or the role lacks rights, the result names
    /// them, provided that the server lists them before the deadline.
    pub(super) async fn explain(
        &self,
        connection: &mut PgConnection,
        in_transaction: bool,
        error: sqlx::Error,
        deadline: Duration,
    ) -> StoreError {
        let Some(refused) = denied(&error) else { return unavailable(error) };
        let message = text(&error);
        if let Some(error) = self.begin(&message, Instant::now()) {
            return error;
        }
        match timeout(deadline, reason(connection, in_transaction, refused)).await {
            Ok(Some(named)) => self.end(named),
            Ok(None) | Err(_) => StoreError::new(message),
        }
    }

    /// Returns the error for this message if its policies were looked up recently.
    fn begin(&self, message: &str, now: Instant) -> Option<StoreError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = last.as_ref().filter(|named| {
            named.message == message && now.saturating_duration_since(named.since) < INTERVAL
        });
        if let Some(named) = recent {
            return Some(named.error.clone().unwrap_or_else(|| StoreError::new(message)));
        }
        *last = Some(Named { since: now, message: message.to_owned(), error: None });
        None
    }

    fn end(&self, error: StoreError) -> StoreError {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(named) = &mut *last {
            named.error = Some(error.clone());
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_named_as_a_whole_word_in_any_language() {
        for message in [
            "query would be affected by row-level security policy for table \"keys\"",
            "permission denied for table keys",
            "Abfrage würde von Policy für Sicherheit auf Zeilenebene für Tabelle »keys« beeinflusst",
        ] {
            assert!(names_table(message, "keys"), "{message}");
            assert!(!names_table(message, "key") && !names_table(message, "events"), "{message}");
        }
        assert!(!names_table("permission denied for sequence events_seq_seq", "events"));
    }

    #[test]
    fn policies_are_looked_up_once_per_interval() {
        let (last, now) = (LastNamed::default(), Instant::now());
        let text = |error: Option<StoreError>| {
            error.map(|error| std::error::Error::source(&error).unwrap().to_string())
        };
        assert_eq!(text(last.begin("keys", now)), None);
        assert_eq!(text(last.begin("keys", now)).as_deref(), Some("keys"));
        last.end(StoreError::new("keys: audit"));
        let soon = now + INTERVAL / 2;
        assert_eq!(text(last.begin("keys", soon)).as_deref(), Some("keys: audit"));
        assert_eq!(text(last.begin("keys", now + INTERVAL)), None);
        assert_eq!(text(last.begin("clients", now + INTERVAL)), None);
    }
}
