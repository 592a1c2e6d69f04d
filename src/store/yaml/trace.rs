use super::report::YamlEvent;
use crate::key::rfc3339;

/// Records an event with `tracing`.
pub(super) fn trace(event: &YamlEvent) {
    match event {
        YamlEvent::Warning(warning) => tracing::warn!("{warning}"),
        YamlEvent::Reloaded { path, keys, clients } => tracing::info!(
            path = %path.display(),
            keys,
            clients,
            "the key file was loaded again"
        ),
        YamlEvent::ReloadFailed { path, since, error } => tracing::error!(
            path = %path.display(),
            since = rfc3339::text(*since),
            error = %error,
            "the key file cannot be followed: changes to it may have no effect"
        ),
        YamlEvent::Recovered { path } => {
            tracing::info!(path = %path.display(), "the key file is followed again");
        }
        YamlEvent::Waiting { lock, holder } => tracing::warn!(
            path = %lock.display(),
            holder,
            "an edit waits for the lock of the key file"
        ),
    }
}
