//! Makes the connection on which a session listens.

use std::future::pending;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::{sleep, timeout};

use super::fault::Fault;

const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// A connection that takes longer is made once more, to hear what is wrong.
const PROMPT: Duration = Duration::from_millis(100);

/// The driver's listener wants a pool, of this one connection. It never connects again by itself: a
/// connection with a fault is given up.
pub(super) async fn listener(options: &PgConnectOptions) -> Result<PgListener, Fault> {
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
            listener => Ok(listener?),
        },
        fault = refused(options) => Err(fault),
    }?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    // What is closed is not lent again.
    drop(pool.close());
    Ok(listener)
}

/// The pool keeps a refusal to itself, and tries again until its deadline, all instances of a fleet in
/// step.
async fn refused(options: &PgConnectOptions) -> Fault {
    sleep(PROMPT).await;
    match timeout(CONNECT_DEADLINE, options.connect()).await {
        Ok(Err(error)) => error.into(),
        Err(_) => Fault::late("no connection was made"),
        Ok(Ok(connection)) => {
            let _ = connection.close().await;
            pending().await
        }
    }
}
