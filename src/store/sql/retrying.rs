use std::future::Future;
use std::time::{Duration, Instant};

use futures_timer::Delay;

use crate::error::StoreErrorKind;
use crate::manage::ManageError;

/// How long to retry a blocked change, and the pause between two attempts.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(60);

/// Makes a change, and retries it while the database is busy. Between two attempts it holds no lock.
pub(in crate::store) async fn retrying<C, T>(change: impl Fn() -> C) -> Result<T, ManageError>
where
    C: Future<Output = Result<T, ManageError>>,
{
    let is_busy = |error: &ManageError| {
        let ManageError::Unavailable(error) = error else { return false };
        error.kind() == StoreErrorKind::Busy
    };
    retrying_while(is_busy, change).await
}

pub(in crate::store) async fn retrying_while<C, T, E>(
    is_busy: impl Fn(&E) -> bool,
    change: impl Fn() -> C,
) -> Result<T, E>
where
    C: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    loop {
        match change().await {
            Err(error) if is_busy(&error) && started.elapsed() < PATIENCE => {
                Delay::new(PAUSE).await;
            }
            done => return done,
        }
    }
}
