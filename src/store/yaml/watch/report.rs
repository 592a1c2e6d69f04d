//! What is told as `tracing` events; nothing without that feature.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::store::MemoryStore;
use crate::store::yaml::YamlHealth;

/// How often a failure that lasts is told again.
const AGAIN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Report {
    told: Option<(Instant, String)>,
}

impl Report {
    /// The store took a change.
    pub(super) fn change(path: &Path, keys: &MemoryStore) {
        #[cfg(feature = "tracing")]
        tracing::info!(
            path = %path.display(),
            keys = keys.len(),
            clients = keys.client_count(),
            "the key file was loaded again"
        );
        #[cfg(not(feature = "tracing"))]
        let _ = (path, keys);
    }

    /// Tells of a failure when it begins or is another, again while it lasts, and of its end.
    pub(super) fn on(&mut self, path: &Path, health: &YamlHealth) {
        let Some(error) = &health.error else {
            if self.told.take().is_some() {
                ended(path);
            }
            return;
        };
        let text = error.to_string();
        let is_told = |(at, told): &(Instant, String)| at.elapsed() < AGAIN && *told == text;
        if !self.told.as_ref().is_some_and(is_told) {
            failing(path, health, &text);
            self.told = Some((Instant::now(), text));
        }
    }
}

#[cfg(feature = "tracing")]
fn failing(path: &Path, health: &YamlHealth, error: &str) {
    tracing::error!(
        path = %path.display(),
        since = health.failing_since.map(crate::rfc3339::text),
        error,
        "the key file is not followed: changes to it may have no effect"
    );
}

#[cfg(feature = "tracing")]
fn ended(path: &Path) {
    tracing::info!(path = %path.display(), "the key file is followed again");
}

#[cfg(not(feature = "tracing"))]
fn failing(_: &Path, _: &YamlHealth, _: &str) {}

#[cfg(not(feature = "tracing"))]
fn ended(_: &Path) {}
