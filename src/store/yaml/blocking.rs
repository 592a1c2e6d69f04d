use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::{io, thread};

/// Runs blocking work in a new thread, so that it does not block an async runtime. The thread starts when the
/// future is first polled, and runs to its end even if the future is dropped.
///
/// # Errors
///
/// No thread could be started.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let shared = Arc::new(Mutex::new((None, Waker::noop().clone())));
    let of_thread = Arc::clone(&shared);
    thread::Builder::new().name("keygate-edit".to_owned()).spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(work));
        let mut shared = of_thread.lock().unwrap_or_else(PoisonError::into_inner);
        shared.0 = Some(result);
        let waker = shared.1.clone();
        // Some wakers poll at once, and would deadlock if the lock were held.
        drop(shared);
        waker.wake();
    })?;
    poll_fn(move |cx| {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.0.take() {
            Some(Ok(result)) => Poll::Ready(Ok(result)),
            Some(Err(panic)) => resume_unwind(panic),
            None => {
                shared.1.clone_from(cx.waker());
                Poll::Pending
            }
        }
    })
    .await
}
