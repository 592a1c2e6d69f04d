//! A store that follows its file: real files, real notices, the real clock.

mod changing;
mod folder;
mod holding;
#[cfg(feature = "tracing")]
mod reporting;
mod working;
