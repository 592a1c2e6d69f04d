use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::{io, thread};

/// Does work that waits for a disk in a thread of its own, so that no task of an async runtime waits
/// with it. Begins when first polled; ends by itself when the future is dropped.
///
/// # Errors
///
/// No thread could be started.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let shared = Arc::new(Mutex::new((None, Waker::noop().clone())));
    let theirs = Arc::clone(&shared);
    thread::Builder::new().name("keygate-edit".to_owned()).spawn(move || {
        let answer = catch_unwind(AssertUnwindSafe(work));
        let mut shared = theirs.lock().unwrap_or_else(PoisonError::into_inner);
        shared.0 = Some(answer);
        let waker = shared.1.clone();
        // Some wakers poll at once, and would wait for the lock.
        drop(shared);
        waker.wake();
    })?;
    poll_fn(move |cx| {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.0.take() {
            Some(Ok(answer)) => Poll::Ready(Ok(answer)),
            Some(Err(panic)) => resume_unwind(panic),
            None => {
                shared.1.clone_from(cx.waker());
                Poll::Pending
            }
        }
    })
    .await
}
