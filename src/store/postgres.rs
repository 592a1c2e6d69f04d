use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sqlx::postgres::PgRow;
use sqlx::raw_sql;
use tokio::time::timeout;

use super::sql::{self, Database, DatabaseError};
use super::{Answer, KeyStore, Lookup};
use crate::client::ClientProfile;
use crate::error::StoreError;
use crate::key::{KeyDigest, KeyId};
use crate::manage::{BoxFuture, ClientInfo, KeyInfo, ManageError, NewKey, Rotated};

pub(in crate::store) mod columns;
mod connections;
pub(in crate::store) mod error;
mod files;
mod inspect;
mod login;
mod lookup;
mod options;
mod owner;
mod parameters;
mod password;
pub(in crate::store) mod row_security;
pub(super) mod schema;
mod sequence;
mod server;
pub(super) mod settings;
mod transaction;
mod url;

use connections::{Connections, Lease};
use error::unavailable;
pub(in crate::store) use login::Login;
pub use options::PostgresOptions;
use server::{Server, server_columns};
use settings::local_settings;
use transaction::PostgresTransaction;

/// Keys and clients in PostgreSQL, for many instances at once.
///
/// A handle: cloning it is cheap, and clones share their connections. Each lookup asks the
/// database, so that a change is seen by every request whose lookup begins after it, on all
/// instances. It needs tokio, and PostgreSQL 14 or later.
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
/// `postgres://user:password@host:5432/database`. A password may come from the environment
/// (`PGPASSWORD`) or from the usual password file (`PGPASSFILE`, or else `~/.pgpass`, for nobody
/// else to read: `chmod 600`) instead, which is read for each new connection, so that it can be changed
/// while the service runs. Without a user, it is that of `PGUSER`, or else of the process. TLS is used where the server offers it; `?sslmode=verify-full`
/// refuses a server that does not, or whose certificate no authority known to the system signed for
/// its name, and `&sslrootcert=/etc/ca.pem` names one more authority. A folder behind `?host=` is that
/// of a socket.
///
/// A certificate that signs itself, as `openssl req -x509` makes it, is one of an authority, and no
/// server's: make an authority and a certificate that it signs, or add
/// `-addext basicConstraints=critical,CA:FALSE`. There is one host in a URL; parameters of libpq that are
/// not supported, such as `channel_binding` and `target_session_attrs`, are refused by name.
///
/// # Who may do what
///
/// The role that makes the tables, with [`PostgresStore::migrate`] or `keygate migrate`, owns them. It must
/// be the owner of the database, the role that connects, or one that it is a member of: a schema of
/// anybody else is refused. A service needs less. For a role that finds keys and changes nothing:
///
/// ```sql
#[doc = include_str!("postgres/grants/serving.sql")]
/// ```
///
/// For one that manages clients and keys besides, and can neither change tables nor what is noted of
/// its changes:
///
/// ```sql
#[doc = include_str!("postgres/grants/managing.sql")]
/// ```
///
/// [`PostgresStore::with_actor`] and [`PostgresStore::with_tool`] name who is noted in the events of
/// their changes.
///
#[doc = include_str!("postgres/tables.md")]
///
/// # Limits
///
/// - A lookup takes at most a second, waiting for a connection included, and then fails; see
///   [`PostgresOptions::lookup_deadline`] and [`PostgresOptions::max_connections`]. A connection that nobody used for 30 seconds is closed.
/// - Behind a pooler that lends connections for a transaction, use [`PostgresOptions::through_pooler`].
/// - A standby is an outage, since it may lag behind a revoke; [`PostgresOptions::allow_standby`] takes it.
///   Each lookup and each transaction checks that, and that the tables are still the ones that were opened.
/// - A lookup that finds its connection ended is asked once more, on a new one; one that finds no server
///   fails at once.
/// - A change whose commit is cut off, or not confirmed within ten seconds, may have been made. The error
///   says so; list what is there before repeating it.
/// - Triggers send notices, which a prepared transaction (`prepare transaction`) cannot: a change by hand is
///   made in a transaction of the usual kind.
/// - A dump of the data alone (`pg_dump -a`) has the events, and restoring it writes them once more: dump
///   the tables too, or restore with `pg_restore --disable-triggers`.
/// - Who asks for the id of a key that is not there is told the nearest of the first million only.
/// - A row that a hand has spoilt is an error for the key that it is of, and never "no such key".
/// - Dropping a future that changes something takes the change back, unless the commit was on its way.
#[derive(Clone)]
pub struct PostgresStore {
    connections: Connections,
    /// Of their own, so that no lookup waits for a change that waits for another.
    changing: Connections,
    lookup_deadline: Duration,
    through_pooler: bool,
    server: Server,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    actor: Option<Arc<str>>,
    tool: Option<Arc<str>>,
}

const SERVER: &str = concat!(local_settings!(), "select ", server_columns!());

const CHANGE_DEADLINE: Duration = Duration::from_secs(10);

const NOT_READ: &str = "PostgreSQL did not tell the version of the tables within ten seconds: the server hangs, \
    or a transaction holds keygate.migrations";
const NOT_MADE: &str = "PostgreSQL did not make the tables within twenty minutes";

impl PostgresStore {
    /// Connects to a database whose tables are there, and changes nothing in it.
    ///
    /// # Errors
    ///
    /// The URL is not one, the database cannot be reached or does not answer within ten seconds, or its
    /// tables are missing, too old or too new.
    pub async fn connect(url: &str) -> Result<Self, DatabaseError> {
        Self::options(url)?.connect().await
    }

    /// Brings the tables up to date where they are not, and connects.
    ///
    /// It is one transaction, and safe when many instances start at once: one makes the tables, the
    /// others wait for it. Where nothing is to be done, it needs no right to do it. New versions of the
    /// tables may rebuild indexes; the guide's page on databases says what is locked, and for how long.
    /// A sequence that is behind its rows is set.
    ///
    /// # Errors
    ///
    /// As for [`PostgresStore::connect`], or the role may not make tables, the schema belongs to somebody else, or
    /// another transaction holds a table.
    pub async fn migrate(url: &str) -> Result<Self, DatabaseError> {
        Self::options(url)?.migrate().await
    }

    /// Begins to connect in other ways than the usual.
    ///
    /// # Errors
    ///
    /// The URL is not one, or an option in it is not known. The error does not show it.
    pub fn options(url: &str) -> Result<PostgresOptions, DatabaseError> {
        PostgresOptions::new(url)
    }

    /// As [`PostgresStore::options`], with the URL in a file, as secrets are mounted: one line, which is
    /// read anew for each connection. A password can be changed there while the service runs.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is longer than 64 KiB, or holds something else than a URL.
    pub fn options_from_file(path: impl Into<PathBuf>) -> Result<PostgresOptions, DatabaseError> {
        PostgresOptions::from_file(path.into())
    }

    async fn open(options: &PostgresOptions, migrates: bool) -> Result<Self, DatabaseError> {
        let lookup_deadline = options.lookup_deadline;
        let connections = Connections::new(options, options.max_connections, lookup_deadline);
        let changing = Connections::new(options, 1, CHANGE_DEADLINE);
        // A fleet that starts at once keeps the server busy for longer than a lookup may wait.
        let mut lease = changing.take().await?;
        if migrates {
            let made = timeout(schema::MIGRATE_DEADLINE, schema::migrate(&mut lease)).await;
            made.map_err(|_| StoreError::new(NOT_MADE))??;
        } else {
            let checked = timeout(CHANGE_DEADLINE, schema::check(&mut lease)).await;
            checked.map_err(|_| StoreError::new(NOT_READ))??;
        }
        let server = timeout(CHANGE_DEADLINE, raw_sql(SERVER).fetch_one(&mut *lease)).await;
        let server = server.map_err(|_| StoreError::new(NOT_READ))?.map_err(unavailable)?;
        let server = Server::new(&server, options.allows_standby)?;
        lease.finish();
        let clock = Arc::new(SystemTime::now);
        let through_pooler = options.through_pooler;
        let (actor, tool) = (None, None);
        Ok(Self {
            connections,
            changing,
            lookup_deadline,
            through_pooler,
            server,
            clock,
            actor,
            tool,
        })
    }

    /// Replaces the clock that tells when a key was issued, and whether it may still be.
    #[must_use]
    pub fn with_clock(self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(now), ..self }
    }

    /// Replaces the name that events say a change is by. The default is the role of the URL.
    #[must_use]
    pub fn with_actor(self, actor: impl Into<String>) -> Self {
        Self { actor: Some(noted(&actor.into())), ..self }
    }

    /// Replaces the name of the tool that events say a change was made with. The default is the
    /// `application_name` of the URL, or else `keygate`.
    #[must_use]
    pub fn with_tool(self, tool: impl Into<String>) -> Self {
        Self { tool: Some(noted(&tool.into())), ..self }
    }

    /// The version of the tables, which may be a later one than this code was written for.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, or has lost its tables.
    pub async fn schema_version(&self) -> Result<i32, DatabaseError> {
        let mut lease = self.changing.take().await?;
        let newest = timeout(CHANGE_DEADLINE, schema::newest(&mut lease)).await;
        let (version, _) = newest.map_err(|_| StoreError::new(NOT_READ))??;
        lease.finish();
        Ok(version)
    }

    async fn record(&self, digest: KeyDigest) -> Answer {
        let started = Instant::now();
        let digest = digest.to_bytes();
        let mut lease = self.connections.take().await?;
        let mut row = self.find(&mut lease, &digest).await;
        if let Err(error) = &row
            && lease.is_renewed(error).await?
        {
            row = self.find(&mut lease, &digest).await;
        }
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                // Half of the remaining time, so that the error itself arrives before the deadline.
                let left = self.lookup_deadline.saturating_sub(started.elapsed()) / 2;
                return Err(lease.explain(error, left).await);
            }
        };
        lease.finish();
        lookup::record(&row, &self.server)
    }

    async fn find(&self, lease: &mut Lease, digest: &[u8; 32]) -> Result<PgRow, sqlx::Error> {
        if self.through_pooler {
            lookup::find_unprepared(lease, digest).await
        } else {
            lookup::find(lease, digest).await
        }
    }
}

/// No text in the database holds a zero, and no change is to fail for its author's name.
fn noted(name: &str) -> Arc<str> {
    name.replace('\0', "\u{fffd}").into()
}

impl KeyStore for PostgresStore {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let store = self.clone();
        Lookup::pending(async move {
            // A server that was stopped answers nothing at all.
            let answer = timeout(store.lookup_deadline, store.record(digest)).await;
            answer.unwrap_or_else(|_| Err(StoreError::timed_out()))
        })
    }
}

impl Database for PostgresStore {
    type Transaction = PostgresTransaction;

    async fn read(&self) -> Result<PostgresTransaction, StoreError> {
        PostgresTransaction::read(self).await
    }

    async fn write(&self) -> Result<PostgresTransaction, StoreError> {
        PostgresTransaction::write(self).await
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }
}

sql::manage_keys!(PostgresStore);

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("connections", &self.connections)
            .field("actor", &self.actor)
            .field("tool", &self.tool)
            .finish_non_exhaustive()
    }
}
