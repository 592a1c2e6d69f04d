use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _, raw_sql};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::error::{is_lost, not_connected, unavailable};
use super::login::Login;
use super::options::PostgresOptions;
use super::row_security::LastNamed;
use super::server::refuse_standby;
use super::settings::{local_settings, session_settings};
use crate::error::StoreError;

/// How long it may take to connect: seven round trips of a far database, by TLS and with a password.
const CONNECT_DEADLINE: Duration = Duration::from_secs(8);
/// How long a connection that was given up may take to come back in order.
const ORDER_DEADLINE: Duration = Duration::from_secs(1);
/// A connection that was not used for this long is tried before it is used.
const TRUSTED: Duration = Duration::from_secs(1);
/// A connection that nobody uses is closed, so that quiet instances leave theirs to others.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The first statements of a connection. Behind a pooler, nothing that they set may outlast them.
const GREETING: &str = concat!(session_settings!(), "select pg_catalog.pg_is_in_recovery()");
const POOLED_GREETING: &str = concat!(local_settings!(), "select pg_catalog.pg_is_in_recovery()");

/// The connections of a store.
///
/// The driver's own pool asks the server for a sign of life after each use: a second round trip.
#[derive(Clone)]
pub(super) struct Connections(Arc<Shared>);

struct Shared {
    options: PostgresOptions,
    deadline: Duration,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    is_reaped: AtomicBool,
    row_security: LastNamed,
}

struct Idle {
    connection: PgConnection,
    since: Instant,
}

impl Connections {
    /// At most so many, for which nobody waits longer than the deadline.
    pub(super) fn new(options: &PostgresOptions, max: u32, deadline: Duration) -> Self {
        let permits = usize::try_from(max).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            options: options.clone(),
            deadline,
            permits: Arc::new(Semaphore::new(permits)),
            idle: Mutex::default(),
            is_reaped: AtomicBool::new(false),
            row_security: LastNamed::default(),
        }))
    }

    /// A connection that works, as far as can be told.
    pub(super) async fn take(&self) -> Result<Lease, StoreError> {
        if let Ok(permit) = Arc::clone(&self.0.permits).try_acquire_owned() {
            if let Some(connection) = self.0.trusted() {
                return Ok(Lease::new(connection, true, permit, &self.0));
            }
            return self.wait(async { Ok(permit) }).await;
        }
        let permits = Arc::clone(&self.0.permits);
        self.wait(async { permits.acquire_owned().await.map_err(StoreError::new) }).await
    }

    async fn wait(
        &self,
        permit: impl Future<Output = Result<OwnedSemaphorePermit, StoreError>>,
    ) -> Result<Lease, StoreError> {
        let lease = timeout(self.0.deadline, async {
            let permit = permit.await?;
            if let Some(connection) = self.0.living().await {
                return Ok(Lease::new(connection, true, permit, &self.0));
            }
            // To a far database, that may take longer than anybody waits: it goes on for who comes next.
            let shared = Arc::clone(&self.0);
            let connecting = tokio::spawn(async move {
                let connection = timeout(CONNECT_DEADLINE, shared.connect()).await;
                let connection = connection.unwrap_or_else(|_| Err(StoreError::timed_out()))?;
                Ok(Lease::new(connection, false, permit, &shared))
            });
            connecting.await.map_err(StoreError::new)?
        });
        lease.await.unwrap_or_else(|_| Err(StoreError::timed_out()))
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trusted(&self) -> Option<PgConnection> {
        self.idle().pop_if(|idle| idle.since.elapsed() < TRUSTED).map(|idle| idle.connection)
    }

    /// A connection that was used before and responds.
    async fn living(&self) -> Option<PgConnection> {
        loop {
            let Idle { mut connection, since } = self.idle().pop()?;
            if since.elapsed() < TRUSTED || connection.ping().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<PgConnection, StoreError> {
        let Login { options, no_password } = self.options.login().await?;
        let connection = options.connect().await;
        let mut connection =
            connection.map_err(|error| not_connected(error, no_password.as_deref()))?;
        let greeting = if self.options.through_pooler { POOLED_GREETING } else { GREETING };
        let row = raw_sql(greeting).fetch_one(&mut connection).await.map_err(unavailable)?;
        if !self.options.allows_standby {
            refuse_standby(&row, 0)?;
        }
        Ok(connection)
    }

    fn put_back(self: &Arc<Self>, connection: PgConnection) {
        self.idle().push(Idle { connection, since: Instant::now() });
        if !self.is_reaped.load(Ordering::Relaxed)
            && let Ok(runtime) = Handle::try_current()
            && !self.is_reaped.swap(true, Ordering::AcqRel)
        {
            runtime.spawn(reap(Reaper(Arc::downgrade(self))));
        }
    }
}

/// Says that nobody reaps any more, also when its runtime has ended.
struct Reaper(Weak<Shared>);

impl Drop for Reaper {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.is_reaped.store(false, Ordering::Release);
        }
    }
}

async fn reap(reaper: Reaper) {
    loop {
        sleep(IDLE_TIMEOUT / 2).await;
        let Some(shared) = reaper.0.upgrade() else { return };
        let old = {
            let mut idle = shared.idle();
            let fresh = idle.iter().position(|idle| idle.since.elapsed() < IDLE_TIMEOUT);
            let fresh = fresh.unwrap_or(idle.len());
            idle.drain(..fresh).collect::<Vec<_>>()
        };
        drop(shared);
        for Idle { connection, .. } in old {
            let _ = timeout(ORDER_DEADLINE, connection.close()).await;
        }
    }
}

/// A connection for a while. Dropped before its work is done, it is brought back in order first.
pub(super) struct Lease {
    connection: Option<PgConnection>,
    is_used: bool,
    permit: Option<OwnedSemaphorePermit>,
    shared: Arc<Shared>,
    pub(super) in_transaction: bool,
}

impl Lease {
    fn new(
        connection: PgConnection,
        is_used: bool,
        permit: OwnedSemaphorePermit,
        shared: &Arc<Shared>,
    ) -> Self {
        let (connection, permit, shared) = (Some(connection), Some(permit), Arc::clone(shared));
        Self { connection, is_used, permit, shared, in_transaction: false }
    }

    /// Whether to ask again after this error: the connection was used before, and had ended since.
    /// Then there is a new one in its place.
    ///
    /// Only for what may be asked twice.
    pub(super) async fn is_renewed(&mut self, error: &sqlx::Error) -> Result<bool, StoreError> {
        if !self.is_used || !is_lost(error) {
            return Ok(false);
        }
        self.is_used = false;
        self.connection = None;
        // What else is idle has ended with it.
        self.shared.idle().clear();
        self.connection = Some(self.shared.connect().await?);
        Ok(true)
    }

    /// Converts the error of a statement. If row-level security caused it, the deadline limits the
    /// query for the names of the policies.
    pub(super) async fn explain(&mut self, error: sqlx::Error, deadline: Duration) -> StoreError {
        let shared = Arc::clone(&self.shared);
        let in_transaction = self.in_transaction;
        shared.row_security.explain(self, in_transaction, error, deadline).await
    }

    /// Gives the connection back, on which nothing is under way.
    pub(super) fn finish(mut self) {
        if let Some(connection) = self.connection.take() {
            self.shared.put_back(connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let (permit, shared) = (self.permit.take(), Arc::clone(&self.shared));
        let in_transaction = self.in_transaction;
        runtime.spawn(async move {
            let order = async {
                if in_transaction {
                    raw_sql("rollback").execute(&mut connection).await?;
                }
                connection.ping().await
            };
            if let Ok(Ok(())) = timeout(ORDER_DEADLINE, order).await {
                shared.put_back(connection);
            }
            drop(permit);
        });
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().unwrap_or_else(|| unreachable!("a lease ends with its connection"))
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().unwrap_or_else(|| unreachable!("a lease ends with its connection"))
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.options.place();
        f.debug_struct("Connections")
            .field("host", &place.get_host())
            .field("port", &place.get_port())
            .field("database", &place.get_database())
            .field("user", &place.get_username())
            .finish_non_exhaustive()
    }
}
