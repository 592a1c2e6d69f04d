use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;
use crate::output::Output;

/// Runs a future to completion. All calls share one runtime, since database connections outlive a call.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_current_thread().enable_all().build().unwrap_or_else(|error| {
            let failure = Failure::unavailable(format!("the async runtime cannot start ({error})"));
            Output::new(false).fail(&failure);
            std::process::exit(failure.exit_code().into())
        })
    });
    runtime.block_on(future)
}
