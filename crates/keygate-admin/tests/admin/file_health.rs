//! The state of a key file.

use std::path::PathBuf;

use keygate::YamlStore;
use keygate::store::ReloadError;
use keygate_admin::{HealthFuture, HealthReport, StoreFailure, StoreHealth};

pub(crate) struct FileHealth(pub(crate) YamlStore, pub(crate) PathBuf);

impl StoreHealth for FileHealth {
    fn report(&self) -> HealthFuture<'_> {
        let health = self.0.health();
        let mut report = HealthReport::new("Key file").at(self.1.display().to_string());
        report = report.read(health.loaded);
        if let Some(error) = health.error {
            let failure = StoreFailure::new(error.to_string()).since(health.failing_since);
            report = report.failing(match &error {
                ReloadError::Invalid(error) => failure.at(error.line(), error.column()),
                _ => failure,
            });
        }
        let found = YamlStore::lint(&self.1).findings();
        Box::pin(async { report.with_findings(found) })
    }
}
