//! Makes the connection on which a session listens.

use std::future::pending;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::{sleep, timeout};

use super::fault::Fault;
use crate::store::postgres::{Login, PostgresOptions};
use crate::store::sql::DatabaseError;

/// Seven round trips of a far database, by TLS and with a password.
const CONNECT_DEADLINE: Duration = Duration::from_secs(8);

/// A connection that takes longer is made once more, to hear what is wrong.
const PROMPT: Duration = Duration::from_millis(100);

/// The driver's listener wants a pool, of this one connection. It never connects again by itself: a
/// connection with a fault is given up.
pub(super) async fn listener(database: &PostgresOptions) -> Result<PgListener, Fault> {
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
            Err(sqlx::Error::PoolTimedOut) => Err(Fault::late("no connection was made")),
            listener => listener.map_err(|error| Fault::unconnected(error, no_password)),
        },
        fault = refused(&options, no_password) => Err(fault),
    }?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    // What is closed is not lent again.
    drop(pool.close());
    Ok(listener)
}

/// The pool keeps a refusal to itself, and tries again until its deadline, all instances of a fleet in
/// step.
async fn refused(options: &PgConnectOptions, no_password: Option<&str>) -> Fault {
    sleep(PROMPT).await;
    match timeout(CONNECT_DEADLINE, options.connect()).await {
        Ok(Err(error)) => Fault::unconnected(error, no_password),
        Err(_) => Fault::late("no connection was made"),
        Ok(Ok(connection)) => {
            let _ = connection.close().await;
            pending().await
        }
    }
}
