//! Connecting, and the errors that end a session.

use std::future::pending;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Error};
use tokio::time::{sleep, timeout};

use crate::error::StoreError;
use crate::store::postgres::error::{code, denied, not_connected, unavailable};
use crate::store::postgres::{Login, PostgresOptions};
use crate::store::sql::DatabaseError;

/// The deadline of a poll: a stopped server keeps its connections open and never responds. A server that gets no CPU
/// time responds late (2.3 s were seen), and a new connection would cost it more.
pub(super) const POLL_DEADLINE: Duration = Duration::from_secs(4);

/// Seven round trips to a distant database, with TLS and a password.
const CONNECT_DEADLINE: Duration = Duration::from_secs(8);

/// After this time, a second connection is attempted, to learn the reason for the delay.
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

/// The error that ended a session with the database.
pub(super) struct SessionError {
    pub(super) error: DatabaseError,
    /// Whether retrying alone does not help.
    pub(super) is_lasting: bool,
    /// The server's message, if the role lacks a grant or row-level security would have hidden rows.
    pub(super) denied: Option<String>,
}

impl SessionError {
    pub(super) fn unreachable(why: &str) -> Self {
        Self::new(&format!("PostgreSQL cannot be reached: {why}"))
    }

    pub(super) fn new(why: &str) -> Self {
        let error = DatabaseError::Unavailable(StoreError::new(why));
        Self { error, is_lasting: false, denied: None }
    }

    pub(super) fn lasting(why: &str) -> Self {
        Self { is_lasting: true, ..Self::new(why) }
    }

    /// The error of a failed connection attempt.
    pub(super) fn not_connected(error: Error, no_password: Option<&str>) -> Self {
        if code(&error).as_deref() != Some("28P01") {
            return error.into();
        }
        let error = not_connected(error, no_password).into();
        Self { error, is_lasting: true, denied: None }
    }
}

impl From<Error> for SessionError {
    fn from(error: Error) -> Self {
        // Appendix A of PostgreSQL's manual: no such table or schema; role or password refused, no
        // such database, not permitted.
        let (no_tables, is_lasting) = match code(&error).as_deref() {
            Some("42P01" | "3F000") => (true, true),
            Some(code) => (false, code.starts_with("28") || matches!(code, "3D000" | "42501")),
            None => (false, matches!(error, Error::Configuration(_) | Error::Tls(_))),
        };
        let denied = denied(&error).map(str::to_owned);
        let error = if no_tables { DatabaseError::NoTables } else { unavailable(error).into() };
        Self { error, is_lasting, denied }
    }
}

impl From<DatabaseError> for SessionError {
    fn from(error: DatabaseError) -> Self {
        let is_lasting = !matches!(error, DatabaseError::Unavailable(_));
        Self { error, is_lasting, denied: None }
    }
}

/// Awaits a response of the server, up to a deadline.
pub(super) async fn within<T, E>(
    deadline: Duration,
    response: impl Future<Output = Result<T, E>>,
) -> Result<T, SessionError>
where
    SessionError: From<E>,
{
    match timeout(deadline, response).await {
        Ok(response) => Ok(response?),
        Err(_) => Err(SessionError::unreachable("the server did not respond")),
    }
}
