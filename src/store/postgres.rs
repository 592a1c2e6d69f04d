use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::sql::{self, DatabaseError};
use crate::manage::ChangeContext;

mod dialect;
pub(in crate::store) mod error;
mod files;
mod identity;
mod inspect;
mod login;
mod lookup;
mod opening;
mod options;
mod owner;
mod parameters;
mod password;
mod pool;
mod query;
mod rights;
pub(in crate::store) mod row_security;
pub(super) mod schema;
mod sequence;
mod server;
pub(super) mod settings;
mod transaction;
mod url;
#[cfg(feature = "usage")]
mod usage;

pub(in crate::store) use login::Login;
pub use options::PostgresOptions;
use pool::Pool;
use server::Server;

/// A store in PostgreSQL, for many instances.
///
/// A handle: cloning it is cheap, and clones share their connections. Each lookup reads the database: on all
/// instances, a lookup sees every change that was committed before it began. Requires tokio, and PostgreSQL 14
/// or later.
///
/// ```no_run
/// use keygate::ApiKeyLayer;
/// use keygate::store::PostgresStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), keygate::store::DatabaseError> {
/// let url = "postgres://service@db.internal/keys?sslmode=verify-full";
/// let layer = ApiKeyLayer::new(PostgresStore::connect(url).await?);
/// # Ok(())
/// # }
/// ```
///
/// # The URL
///
/// `postgres://user:password@host:5432/database`, with one host.
///
/// - The password may also come from the environment (`PGPASSWORD`) or from the password file (`PGPASSFILE`,
///   or `~/.pgpass`; `chmod 600`). The file is read for each new connection, so it can be changed while the
///   service runs.
/// - The default user is `PGUSER`, or the user of the process.
/// - TLS is used if the server offers it. With `?sslmode=verify-full` it is required, and the server needs a
///   certificate for its name from an authority that the system trusts. `&sslrootcert=/etc/ca.pem` adds an authority.
/// - `?host=` may name the folder of a socket.
/// - Unsupported parameters of libpq, such as `channel_binding` and `target_session_attrs`, are refused by
///   name.
///
/// A self-signed certificate of `openssl req -x509` is the certificate of an authority, and a server cannot use it:
/// create an authority and a certificate signed by it, or add `-addext basicConstraints=critical,CA:FALSE`.
///
/// # Roles
///
/// The role that creates the tables, with [`PostgresStore::migrate`] or `keygate migrate`, owns them. The owner must be
/// the owner of the database, the connecting role, or a role of which the connecting role is a member. Other owners are
/// refused. A service needs fewer rights. For a role that looks up keys and changes nothing:
///
/// ```sql
#[doc = include_str!("postgres/grants/serving.sql")]
/// ```
///
/// For a role that also manages clients and keys, but can change neither the tables nor the recorded events:
///
/// ```sql
#[doc = include_str!("postgres/grants/managing.sql")]
/// ```
///
/// Events record the names from [`PostgresStore::with_actor`] and [`PostgresStore::with_tool`].
///
#[doc = include_str!("postgres/tables.md")]
///
/// # Limits
///
/// - A lookup fails after a second, including the wait for a connection; see
///   [`PostgresOptions::with_lookup_deadline`] and [`PostgresOptions::with_max_connections`]. An idle connection is closed
///   after 30 seconds.
/// - Behind a pooler in transaction mode, use [`PostgresOptions::through_pooler`].
/// - A standby is treated as an outage, since it may lack a recent revocation, unless
///   [`PostgresOptions::allow_standby`] is set. Each lookup and each transaction checks this, and that the tables are
///   those of the opened store.
/// - A lookup whose connection was lost is retried once on a new connection. If no server is reachable, it fails at
///   once.
/// - A change may have taken effect if its commit was interrupted or not confirmed within ten seconds. The error
///   says so; list keys and clients before you repeat it.
/// - Triggers send notifications, which `prepare transaction` does not support: change rows by hand in an
///   ordinary transaction.
/// - A data-only dump (`pg_dump -a`) contains the events, and restoring it records them again: dump the schema, too, or
///   restore with `pg_restore --disable-triggers`.
/// - The error for an unknown key id names a similar one, found among the 100,000 ids next to it.
/// - An invalid row is an error for its key, never an unknown key.
/// - Dropping the future of a change rolls the change back, unless the commit was already sent.
#[derive(Clone)]
pub struct PostgresStore {
    connections: Pool,
    /// A separate pool, so that no lookup waits for changes.
    changing: Pool,
    lookup_deadline: Duration,
    through_pooler: bool,
    server: Server,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    context: ChangeContext,
    tool: Option<Arc<str>>,
}

impl PostgresStore {
    /// Connects to a database whose tables exist. Changes nothing.
    ///
    /// # Errors
    ///
    /// The URL is invalid, the database cannot be reached or does not respond within ten seconds, or its tables
    /// are missing, too old or too new.
    pub async fn connect(url: &str) -> Result<Self, DatabaseError> {
        Self::options(url)?.connect().await
    }

    /// Creates or updates the tables if needed, and connects.
    ///
    /// Runs in one transaction. Many instances may start at once: one migrates, and the others wait for it. If the
    /// tables are up to date, no rights to change them are needed. A new version may rebuild indexes; the
    /// [guide](crate::guide::databases) says what it locks, and for how long. A sequence that is behind its rows is
    /// advanced.
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::connect`]; the role may not create tables; the schema has another owner; or another
    /// transaction locks a table.
    pub async fn migrate(url: &str) -> Result<Self, DatabaseError> {
        Self::options(url)?.migrate().await
    }

    /// Returns options for connecting.
    ///
    /// # Errors
    ///
    /// The URL is invalid, or it has an unknown option. The error does not show the URL.
    pub fn options(url: &str) -> Result<PostgresOptions, DatabaseError> {
        PostgresOptions::new(url)
    }

    /// Returns options for connecting with the URL in a file, such as a mounted secret.
    ///
    /// The file holds one line. It is read for each new connection, so the password in it can be changed while
    /// the service runs.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is longer than 64 KiB, or does not hold a valid URL.
    pub fn options_from_file(path: impl Into<PathBuf>) -> Result<PostgresOptions, DatabaseError> {
        PostgresOptions::from_file(path.into())
    }

    /// Replaces the clock for issuing, rotating and revoking keys.
    #[must_use]
    pub fn with_clock(self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(now), ..self }
    }

    /// Replaces the actor that events record. The default is the role of the URL.
    #[must_use]
    pub fn with_actor(self, actor: impl Into<String>) -> Self {
        Self { context: self.context.with_actor(sanitized(&actor.into())), ..self }
    }

    /// Replaces the tool that events record. The default is the `application_name` of the URL, or `keygate`.
    #[must_use]
    pub fn with_tool(self, tool: impl Into<String>) -> Self {
        Self { tool: Some(sanitized(&tool.into())), ..self }
    }

    /// Returns the version of the tables, which may be newer than the one that this version creates.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, or has no tables.
    pub async fn schema_version(&self) -> Result<i32, DatabaseError> {
        let mut connection = self.changing.acquire().await?;
        let (version, _) = schema::within_deadline(schema::newest(&mut connection)).await?;
        connection.release();
        Ok(version)
    }
}

/// Replaces zero bytes, which PostgreSQL refuses: a change must not fail because of the actor's name.
fn sanitized(name: &str) -> Arc<str> {
    name.replace('\0', "\u{fffd}").into()
}

#[cfg(test)]
pub(in crate::store) use schema::MIGRATIONS;

sql::manage_keys!(PostgresStore);

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("connections", &self.connections)
            .field("actor", &self.context.actor())
            .field("tool", &self.tool)
            .finish_non_exhaustive()
    }
}
