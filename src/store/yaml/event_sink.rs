use std::sync::{Arc, Mutex, PoisonError};

use super::YamlStore;
use super::report::KeyFileEvent;
use crate::callback::guarded;

type Callback = Arc<dyn Fn(KeyFileEvent) + Send + Sync>;

/// Passes the events of a store to its callback.
#[derive(Default)]
pub(super) struct EventSink(Mutex<Option<Callback>>);

impl EventSink {
    pub(super) fn report(&self, event: KeyFileEvent) {
        #[cfg(feature = "tracing")]
        trace(&event);
        let callback = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(callback) = callback {
            guarded(|| callback(event));
        }
    }
}

impl YamlStore {
    /// Reports events to a closure, which replaces the previous one for all clones. Current warnings are reported
    /// at once.
    ///
    /// The closure runs in the thread that causes the event, and its panics are caught. It must not hold a clone of
    /// the store, which would then never be dropped.
    #[must_use]
    pub fn with_events(self, callback: impl Fn(KeyFileEvent) + Send + Sync + 'static) -> Self {
        let events = &self.file.events;
        *events.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(callback));
        for warning in self.warnings() {
            events.report(KeyFileEvent::Warning(warning));
        }
        self
    }
}

/// Records an event with `tracing`, with its text as the message.
#[cfg(feature = "tracing")]
fn trace(event: &KeyFileEvent) {
    match event {
        KeyFileEvent::Warning(warning) => tracing::warn!("{warning}"),
        KeyFileEvent::Waiting { .. } => tracing::warn!("{event}"),
        KeyFileEvent::ReloadFailed { .. } | KeyFileEvent::NotRecorded { .. } => {
            tracing::error!("{event}");
        }
        KeyFileEvent::Reloaded { .. } | KeyFileEvent::Recovered { .. } => tracing::info!("{event}"),
    }
}
