use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::url::{self, Address};
use crate::store::sql::DatabaseError;

/// Options for connecting to PostgreSQL.
///
/// Created by [`PostgresStore::options`](crate::store::PostgresStore::options) and
/// [`PostgresStore::options_from_file`](crate::store::PostgresStore::options_from_file).
///
/// ```no_run
/// use keygate::store::PostgresStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::store::DatabaseError> {
/// let url = "postgres://service@db.internal/keys?sslmode=verify-full";
/// let store = PostgresStore::options(url)?.with_max_connections(4).connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until they connect"]
pub struct PostgresOptions {
    pub(super) address: Address,
    /// The file with the URL, which is read for each connection.
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

    pub(super) fn at(address: Address, file: Option<Arc<Path>>) -> Self {
        Self {
            address,
            file,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            lookup_deadline: DEFAULT_LOOKUP_DEADLINE,
            allows_standby: false,
            through_pooler: false,
        }
    }

    /// Replaces the maximum number of connections for lookups; 0 counts as 1. Changes use one more, which is
    /// closed after 30 idle seconds.
    ///
    /// The default is 1: during a rolling deploy, 50 old and 50 new instances stay within PostgreSQL's default
    /// limit of 100. Raise it if many requests read the database directly.
    pub fn with_max_connections(self, max_connections: u32) -> Self {
        Self { max_connections: max_connections.max(1), ..self }
    }

    /// Replaces the deadline of a lookup, including the wait for a connection.
    ///
    /// The default is 1 second, like the deadline of an [`Authenticator`](crate::Authenticator): raise both
    /// together.
    pub fn with_lookup_deadline(self, lookup_deadline: Duration) -> Self {
        Self { lookup_deadline, ..self }
    }

    /// Avoids prepared statements and session settings.
    ///
    /// For poolers in transaction mode, such as pgbouncer with `pool_mode=transaction`: each transaction may run on
    /// another connection, on which no statement was prepared. A lookup still takes one round trip.
    pub fn through_pooler(self) -> Self {
        Self { through_pooler: true, ..self }
    }

    /// Allows lookups on a standby, which cannot make changes and may lag behind: a revoked key is
    /// admitted, and a new one is unknown, until the standby has caught up.
    ///
    /// By default, a standby is treated as an outage.
    pub fn allow_standby(self) -> Self {
        Self { allows_standby: true, ..self }
    }

    /// The address of the database.
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
    fn errors_and_debug_output_show_no_password() {
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
    fn unsupported_parts_of_a_url_are_named() {
        for (url, expected) in [
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
            assert!(error.contains(expected), "{url}: {error}");
        }
        for url in ["POSTGRES://a:p,w@host/keys", "postgresql://host/a,b?application_name=a,b"] {
            assert!(PostgresOptions::new(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn brackets_of_ipv6_addresses_are_removed() {
        let host = |url| PostgresOptions::new(url).unwrap().place().get_host().to_owned();
        assert_eq!(host("postgres://me:p@[::1]:5433/keys"), "::1");
        assert_eq!(host("postgres://me:p@127.0.0.1/keys"), "127.0.0.1");
    }
}
