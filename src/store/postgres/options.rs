use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::PostgresStore;
use crate::store::sql::DatabaseError;

/// How a [`PostgresStore`] connects.
///
/// ```no_run
/// use keygate::PostgresStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::DatabaseError> {
/// let url = "postgres://service@db.internal/keys?sslmode=verify-full";
/// let store = PostgresStore::options(url)?.max_connections(4).connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until they connect"]
pub struct PostgresOptions {
    connect: PgConnectOptions,
    pub(super) max_connections: u32,
}

const DEFAULT_MAX_CONNECTIONS: u32 = 1;

const FORM: &str = "a URL is `postgres://user@host:5432/database?sslmode=verify-full`";

/// What a URL may say behind the `?`. The driver would pass over others, and log their values.
const KNOWN: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

impl PostgresOptions {
    pub(in crate::store) fn new(url: &str) -> Result<Self, DatabaseError> {
        let fault = |why: String| DatabaseError::Location { why };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("postgres" | "postgresql")) {
            return Err(fault(format!("it does not begin with `postgres://`; {FORM}")));
        }
        let query = url.split_once('?').map_or("", |(_, query)| query);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split_once('=').map_or(pair, |(name, _)| name);
            let name: Cow<'_, str> = percent_decode_str(name).decode_utf8_lossy();
            if !KNOWN.contains(&&*name) && !name.starts_with("options[") {
                let known = KNOWN.iter().min_by_key(|known| strsim::osa_distance(known, &name));
                let known = known.unwrap_or(&"sslmode");
                return Err(fault(format!(
                    "an option behind its `?` is not known; the nearest is `{known}`"
                )));
            }
        }
        // The driver's complaints quote what they do not take.
        let connect: PgConnectOptions = url.parse().map_err(|_| {
            fault(format!("it cannot be read, or an option in it has no such value; {FORM}"))
        })?;
        Ok(Self { connect, max_connections: DEFAULT_MAX_CONNECTIONS })
    }

    /// Replaces the number of connections that lookups open at most; 0 counts as 1. Those who manage
    /// keys need one more, which is closed when they have been quiet for 30 seconds.
    ///
    /// The default is 1, so that 50 instances meet PostgreSQL's default limit of 100, together with
    /// the 50 that a rolling deploy starts beside them. Raise it where requests ask the
    /// database directly and are many.
    pub fn max_connections(self, max_connections: u32) -> Self {
        Self { max_connections: max_connections.max(1), ..self }
    }

    /// Connects to a database whose tables are there: see [`PostgresStore::connect`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::connect`].
    pub async fn connect(self) -> Result<PostgresStore, DatabaseError> {
        PostgresStore::open(&self, false).await
    }

    /// Brings the tables up to date, and connects: see [`PostgresStore::migrate`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::migrate`].
    pub async fn migrate(self) -> Result<PostgresStore, DatabaseError> {
        PostgresStore::open(&self, true).await
    }

    /// What a connection of its own is made of.
    pub(in crate::store) fn connect_options(&self) -> PgConnectOptions {
        // The driver's log would show at every lookup what never changes.
        let options = self.connect.clone().disable_statement_logging();
        match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("keygate"),
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("host", &self.connect.get_host())
            .field("port", &self.connect.get_port())
            .field("database", &self.connect.get_database())
            .field("user", &self.connect.get_username())
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "c4n4ry";

    #[test]
    fn no_fault_and_no_listing_shows_a_password() {
        for url in [
            "postgres://a:c4n4ry@host:65536/keys",
            "postgres://a:c4n4ry@host/keys?sslmode=c4n4ry",
            "postgres://a@host/keys?passwrod=c4n4ry",
            "postgres://a@host/keys?c4n4ry",
            "mysql://a:c4n4ry@host/keys",
            "a:c4n4ry@host",
        ] {
            let error = PostgresOptions::new(url).unwrap_err();
            assert!(matches!(error, DatabaseError::Location { .. }), "{url}");
            assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
        }
        let options = PostgresOptions::new("postgres://a:c4n4ry@host/keys").unwrap();
        assert!(!format!("{options:?}").contains(CANARY), "{options:?}");
    }

    #[test]
    fn name_of_the_application_can_be_replaced() {
        let name = |url| {
            let options = PostgresOptions::new(url).unwrap().connect_options();
            options.get_application_name().map(str::to_owned)
        };
        assert_eq!(name("postgres://host/keys").as_deref(), Some("keygate"));
        assert_eq!(name("postgres://host/keys?application_name=a").as_deref(), Some("a"));
    }
}
