use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::url::{self, Address};
use super::{PostgresStore, inspect, login};
use crate::store::sql::{DatabaseError, DatabaseFinding};

/// How a [`PostgresStore`] connects.
///
/// ```no_run
/// use keygate::store::PostgresStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::store::DatabaseError> {
/// let url = "postgres://service@db.internal/keys?sslmode=verify-full";
/// let store = PostgresStore::options(url)?.max_connections(4).connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until they connect"]
pub struct PostgresOptions {
    pub(super) address: Address,
    /// Where the URL is read anew for each connection.
    pub(super) file: Option<Arc<Path>>,
    pub(super) max_connections: u32,
    pub(super) lookup_deadline: Duration,
    pub(super) allows_standby: bool,
    pub(super) through_pooler: bool,
}

const DEFAULT_MAX_CONNECTIONS: u32 = 1;
const DEFAULT_LOOKUP_DEADLINE: Duration = Duration::from_secs(1);

impl PostgresOptions {
    pub(in crate::store) fn new(url: &str) -> Result<Self, DatabaseError> {
        Ok(Self::at(url::parse(url)?, None))
    }

    pub(in crate::store) fn from_file(path: PathBuf) -> Result<Self, DatabaseError> {
        let address = login::read(&path)?;
        Ok(Self::at(address, Some(path.into())))
    }

    fn at(address: Address, file: Option<Arc<Path>>) -> Self {
        Self {
            address,
            file,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            lookup_deadline: DEFAULT_LOOKUP_DEADLINE,
            allows_standby: false,
            through_pooler: false,
        }
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

    /// Replaces how long a lookup may take, waiting for a connection included, before it fails.
    ///
    /// The default is 1 second, as long as an [`Authenticator`](crate::Authenticator) waits for it by
    /// default: whoever raises one raises the other.
    pub fn lookup_deadline(self, lookup_deadline: Duration) -> Self {
        Self { lookup_deadline, ..self }
    }

    /// Gives no statement a name.
    ///
    /// For poolers that lend a connection for a transaction, as pgbouncer does with
    /// `pool_mode=transaction`: a name would be known, or be another's, on another connection. A lookup
    /// takes one round trip all the same.
    pub fn through_pooler(self) -> Self {
        Self { through_pooler: true, ..self }
    }

    /// Allows lookups on a standby, which cannot make changes and may lag behind: a revoked key is
    /// admitted, and a new one is unknown, until the standby has caught up.
    ///
    /// By default, a server that answers as a standby is an outage.
    pub fn allow_standby(self) -> Self {
        Self { allows_standby: true, ..self }
    }

    /// Connects to a database whose tables are there: see [`PostgresStore::connect`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::connect`].
    pub async fn connect(self) -> Result<PostgresStore, DatabaseError> {
        PostgresStore::open(&self, false).await
    }

    /// Looks for what keeps the database from being used, and for what can hide, delay or rewrite a
    /// change. It changes nothing; tables that are missing or of another version are a finding, and
    /// then the only one.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, or does not answer within ten seconds.
    pub async fn inspect(self) -> Result<Vec<DatabaseFinding>, DatabaseError> {
        inspect::inspect(&self).await
    }

    /// Brings the tables up to date, and connects: see [`PostgresStore::migrate`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::migrate`].
    pub async fn migrate(self) -> Result<PostgresStore, DatabaseError> {
        PostgresStore::open(&self, true).await
    }

    /// Where the database is looked for.
    pub(in crate::store) fn place(&self) -> &PgConnectOptions {
        &self.address.connect
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("host", &self.place().get_host())
            .field("port", &self.place().get_port())
            .field("database", &self.place().get_database())
            .field("user", &self.place().get_username())
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
    fn what_libpq_takes_besides_is_named() {
        for (url, told) in [
            ("postgres://a@host/keys?channel_binding=require", "`channel_binding`"),
            ("postgres://a@host/keys?sslmode=require&connect_timeout=3", "`connect_timeout`"),
            ("postgres://a@host/keys?target_session_attrs=any", "`target_session_attrs`"),
            ("postgres://a:54/hunter2@one/keys", "percent-encode"),
            ("postgres://a:54#hunter2@one/keys", "percent-encode"),
            ("postgres://a/b:hunter2@one", "percent-encode"),
            ("postgres://a@one,two/keys", "more than one host"),
            ("postgres://a:p,w@one:5432,two:5433/keys", "more than one host"),
            ("postgres://a@/keys?host=one,two", "more than one host"),
            ("postgres://a@host/keys?sslmode=verify-full&sslrootcert=system", "not needed"),
            ("postgres://a@host/keys?hostaddr=127.0.0.1", "`hostaddr` beside a host"),
            ("postgres://a@host/keys?conect_timeout=3", "the nearest is"),
        ] {
            let error = PostgresOptions::new(url).unwrap_err().to_string();
            assert!(error.contains(told), "{url}: {error}");
        }
        for url in ["POSTGRES://a:p,w@host/keys", "postgresql://host/a,b?application_name=a,b"] {
            assert!(PostgresOptions::new(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn addresses_are_taken_without_their_brackets() {
        let host = |url| PostgresOptions::new(url).unwrap().place().get_host().to_owned();
        assert_eq!(host("postgres://me:p@[::1]:5433/keys"), "::1");
        assert_eq!(host("postgres://me:p@127.0.0.1/keys"), "127.0.0.1");
    }
}
