//! Waits for what stores promise.

/// Drives a future to its end. All of them run on one runtime, which what they leave behind needs:
/// the connections to a database.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    use std::sync::OnceLock;

    use tokio::runtime::{Builder, Runtime};

    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_current_thread().enable_all().build().unwrap_or_else(|error| {
            use crate::failure::Failure;
            let failure = Failure::unavailable(format!("the system gives no event loop ({error})"));
            crate::output::Output::new(false).fail(&failure);
            std::process::exit(failure.exit_code().into())
        })
    });
    runtime.block_on(future)
}

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
pub(crate) use pollster::block_on;
