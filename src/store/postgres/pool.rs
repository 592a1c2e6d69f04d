use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, raw_sql};
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

/// The deadline of the wait for a connection for changes, and of responses while a store is opened.
pub(super) const CHANGE_DEADLINE: Duration = Duration::from_secs(10);
/// The deadline of connecting: seven round trips to a distant database, with TLS and a password.
const CONNECT_DEADLINE: Duration = Duration::from_secs(8);
/// The deadline of resetting a connection that was dropped while in use.
const RESET_DEADLINE: Duration = Duration::from_secs(1);
/// A connection that was idle for longer is pinged before it is used.
const PING_AFTER: Duration = Duration::from_secs(1);
/// Idle connections are closed, to leave them to other instances.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The first message of a connection. Behind a pooler, its settings must end with it.
const GREETING: &str = concat!(session_settings!(), "select pg_catalog.pg_is_in_recovery()");
const POOLED_GREETING: &str = concat!(local_settings!(), "select pg_catalog.pg_is_in_recovery()");

/// A connection pool.
///
/// The driver's own pool pings the server after each use, which takes a second round trip.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    options: PostgresOptions,
    deadline: Duration,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    has_reaper: AtomicBool,
    row_security: LastNamed,
}

struct Idle {
    connection: PgConnection,
    since: Instant,
}

impl Pool {
    /// Creates a pool of at most `max` connections. The deadline limits the wait for one.
    pub(super) fn new(options: &PostgresOptions, max: u32, deadline: Duration) -> Self {
        let permits = usize::try_from(max).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            options: options.clone(),
            deadline,
            permits: Arc::new(Semaphore::new(permits)),
            idle: Mutex::default(),
            has_reaper: AtomicBool::new(false),
            row_security: LastNamed::default(),
        }))
    }

    #[cfg(feature = "usage")]
    pub(super) fn options(&self) -> &PostgresOptions {
        &self.0.options
    }

    /// Waits for a connection, and checks it if it was idle for long.
    pub(super) async fn acquire(&self) -> Result<PooledConnection, StoreError> {
        let permits = || Arc::clone(&self.0.permits);
        if let Ok(permit) = permits().try_acquire_owned()
            && let Some(connection) = self.0.recent()
        {
            return Ok(PooledConnection::new(connection, true, permit, &self.0));
        }
        let connection = timeout(self.0.deadline, async {
            let permit = permits().acquire_owned().await.map_err(StoreError::new)?;
            if let Some(connection) = self.0.responsive().await {
                return Ok(PooledConnection::new(connection, true, permit, &self.0));
            }
            // If connecting takes longer than the deadline, it continues for a later caller.
            let shared = Arc::clone(&self.0);
            let connecting = tokio::spawn(async move {
                let connection = timeout(CONNECT_DEADLINE, shared.connect()).await;
                let connection = connection.unwrap_or_else(|_| Err(StoreError::timed_out()))?;
                Ok(PooledConnection::new(connection, false, permit, &shared))
            });
            connecting.await.map_err(StoreError::new)?
        });
        connection.await.unwrap_or_else(|_| Err(StoreError::timed_out()))
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection that needs no ping.
    fn recent(&self) -> Option<PgConnection> {
        self.idle().pop_if(|idle| idle.since.elapsed() < PING_AFTER).map(|idle| idle.connection)
    }

    /// Takes an idle connection that responds.
    async fn responsive(&self) -> Option<PgConnection> {
        loop {
            let Idle { mut connection, since } = self.idle().pop()?;
            if since.elapsed() < PING_AFTER || connection.ping().await.is_ok() {
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
        let is_standby: bool = row.try_get(0).map_err(unavailable)?;
        refuse_standby(is_standby && !self.options.allows_standby)?;
        Ok(connection)
    }

    fn put_back(self: &Arc<Self>, connection: PgConnection) {
        self.idle().push(Idle { connection, since: Instant::now() });
        if !self.has_reaper.load(Ordering::Relaxed)
            && let Ok(runtime) = Handle::try_current()
            && !self.has_reaper.swap(true, Ordering::AcqRel)
        {
            runtime.spawn(reap(Reaper(Arc::downgrade(self))));
        }
    }
}

/// Unregisters the reaper when it ends, even when its runtime shuts down.
struct Reaper(Weak<Shared>);

impl Drop for Reaper {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.has_reaper.store(false, Ordering::Release);
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
            let _ = timeout(RESET_DEADLINE, connection.close()).await;
        }
    }
}

/// Exclusive use of a connection. If dropped without [`release`](PooledConnection::release), the connection is
/// reset first.
pub(super) struct PooledConnection {
    connection: Option<PgConnection>,
    is_used: bool,
    permit: Option<OwnedSemaphorePermit>,
    shared: Arc<Shared>,
    pub(super) in_transaction: bool,
}

impl PooledConnection {
    fn new(
        connection: PgConnection,
        is_used: bool,
        permit: OwnedSemaphorePermit,
        shared: &Arc<Shared>,
    ) -> Self {
        let (connection, permit, shared) = (Some(connection), Some(permit), Arc::clone(shared));
        Self { connection, is_used, permit, shared, in_transaction: false }
    }

    /// Reconnects if the connection was lost while it was idle, and returns whether to retry the statement.
    ///
    /// Only for statements that may run twice.
    pub(super) async fn reconnect_if_lost(
        &mut self,
        error: &sqlx::Error,
    ) -> Result<bool, StoreError> {
        if !self.is_used || !is_lost(error) {
            return Ok(false);
        }
        self.is_used = false;
        self.connection = None;
        // The other idle connections were lost, too.
        self.shared.idle().clear();
        self.connection = Some(self.shared.connect().await?);
        Ok(true)
    }

    /// Converts the error of a statement. If row-level security caused it, the names of the policies are queried, up to
    /// the deadline.
    pub(super) async fn explain(&mut self, error: sqlx::Error, deadline: Duration) -> StoreError {
        let shared = Arc::clone(&self.shared);
        let in_transaction = self.in_transaction;
        shared.row_security.explain(self, in_transaction, error, deadline).await
    }

    /// Returns the connection to the pool. No statement or transaction may be open.
    pub(super) fn release(mut self) {
        if let Some(connection) = self.connection.take() {
            self.shared.put_back(connection);
        }
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let (permit, shared) = (self.permit.take(), Arc::clone(&self.shared));
        let in_transaction = self.in_transaction;
        runtime.spawn(async move {
            let reset = async {
                if in_transaction {
                    raw_sql("rollback").execute(&mut connection).await?;
                }
                connection.ping().await
            };
            if let Ok(Ok(())) = timeout(RESET_DEADLINE, reset).await {
                shared.put_back(connection);
            }
            drop(permit);
        });
    }
}

impl Deref for PooledConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection
            .as_ref()
            .unwrap_or_else(|| unreachable!("a connection ends with its connection"))
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection
            .as_mut()
            .unwrap_or_else(|| unreachable!("a connection ends with its connection"))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.options.fmt(f)
    }
}
