//! A store that follows its file, with real files and the real clock.

mod changing;
mod events;
pub(crate) mod folder;
mod holding;
#[cfg(target_os = "linux")]
mod mounted;
#[cfg(target_os = "linux")]
mod recovering;
#[cfg(feature = "tracing")]
mod reporting;
mod working;
