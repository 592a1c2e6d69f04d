//! What is told as `tracing` events; nothing without that feature.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::store::MemoryStore;
use crate::store::yaml::YamlHealth;

/// How often a failure that lasts is told again.
const AGAIN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Report {
    told: Option<Instant>,
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

    /// Tells of a failure when it begins, and again while it lasts.
    pub(super) fn on(&mut self, path: &Path, health: &YamlHealth) {
        let Some(error) = &health.error else {
            self.told = None;
            return;
        };
        if self.told.is_some_and(|told| told.elapsed() < AGAIN) {
            return;
        }
        self.told = Some(Instant::now());
        #[cfg(feature = "tracing")]
        tracing::error!(
            path = %path.display(),
            since = health.failing_since.map(super::super::edit::time),
            %error,
            "the key file is not followed: changes to it, revocations included, have no effect"
        );
        #[cfg(not(feature = "tracing"))]
        let _ = (path, error);
    }
}
