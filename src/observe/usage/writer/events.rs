//! The writer's `tracing` events.

#[cfg_attr(not(feature = "tracing"), expect(unused_variables))]
pub(super) fn failing(error: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(error, "usage cannot be written, and is collected until it can be");
}

pub(super) fn recovered() {
    #[cfg(feature = "tracing")]
    tracing::info!("usage is written again");
}

#[cfg_attr(not(feature = "tracing"), expect(unused_variables))]
pub(super) fn dropped(requests: u64) {
    #[cfg(feature = "tracing")]
    tracing::error!(
        requests,
        "usage could not be written for an hour: these requests are missing from the history"
    );
}
