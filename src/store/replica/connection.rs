use std::future::pending;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::{sleep, timeout};

use super::session_error::SessionError;
use crate::store::postgres::{Login, PostgresOptions};
use crate::store::sql::DatabaseError;

/// Seven round trips to a distant database, with TLS and a password.
const CONNECT_DEADLINE: Duration = Duration::from_secs(8);

/// After this time, a second connection is attempted to learn the reason of the delay.
const SLOW: Duration = Duration::from_millis(100);

/// Connects the listener of a session.
///
/// The driver requires a pool, here of one connection. It does not reconnect: a connection with an error
/// is dropped.
pub(super) async fn connect_listener(
    database: &PostgresOptions,
) -> Result<PgListener, SessionError> {
    let Login { options, no_password } = database.login().await.map_err(DatabaseError::from)?;
    let no_password = no_password.as_deref();
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_DEADLINE)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options.clone());
    let mut listener = tokio::select! {
        biased;
        listener = PgListener::connect_with(&pool) => match listener {
            Err(sqlx::Error::PoolTimedOut) => Err(connect_timed_out()),
            listener => listener.map_err(|error| SessionError::not_connected(error, no_password)),
        },
        error = connect_error(&options, no_password) => Err(error),
    }?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    // A closed pool does not reuse its connection.
    drop(pool.close());
    Ok(listener)
}

/// Waits for the error of a connection attempt. The pool does not return it, and retries until its deadline,
/// in step with all other instances.
async fn connect_error(options: &PgConnectOptions, no_password: Option<&str>) -> SessionError {
    sleep(SLOW).await;
    match timeout(CONNECT_DEADLINE, options.connect()).await {
        Ok(Err(error)) => SessionError::not_connected(error, no_password),
        Err(_) => connect_timed_out(),
        Ok(Ok(connection)) => {
            let _ = connection.close().await;
            pending().await
        }
    }
}

fn connect_timed_out() -> SessionError {
    SessionError::unreachable("connecting timed out")
}
