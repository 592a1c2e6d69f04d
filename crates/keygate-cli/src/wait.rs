use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;
use crate::output::Output;

/// Runs a future of a store to its end. All of them share one runtime, which the connections of a
/// database need between two calls.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_current_thread().enable_all().build().unwrap_or_else(|error| {
            let failure = Failure::unavailable(format!("the system gives no event loop ({error})"));
            Output::new(false).fail(&failure);
            std::process::exit(failure.exit_code().into())
        })
    });
    runtime.block_on(future)
}
