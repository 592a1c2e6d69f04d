use super::report::YamlEvent;

/// Records an event with `tracing`, with its text as the message.
pub(super) fn trace(event: &YamlEvent) {
    match event {
        YamlEvent::Warning(warning) => tracing::warn!("{warning}"),
        YamlEvent::Waiting { .. } => tracing::warn!("{event}"),
        YamlEvent::ReloadFailed { .. } | YamlEvent::NotRecorded { .. } => {
            tracing::error!("{event}");
        }
        YamlEvent::Reloaded { .. } | YamlEvent::Recovered { .. } => tracing::info!("{event}"),
    }
}
