use super::report::KeyFileEvent;

/// Records an event with `tracing`, with its text as the message.
pub(super) fn trace(event: &KeyFileEvent) {
    match event {
        KeyFileEvent::Warning(warning) => tracing::warn!("{warning}"),
        KeyFileEvent::Waiting { .. } => tracing::warn!("{event}"),
        KeyFileEvent::ReloadFailed { .. } | KeyFileEvent::NotRecorded { .. } => {
            tracing::error!("{event}");
        }
        KeyFileEvent::Reloaded { .. } | KeyFileEvent::Recovered { .. } => tracing::info!("{event}"),
    }
}
