//! The state of the managed store, for the health page.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use keygate::YamlStore;
use keygate::store::{ReloadError, YamlOptions};
use keygate_admin::{HealthFuture, HealthReport, StoreFailure, StoreHealth};

use crate::args::Globals;
use crate::location::Location;
use crate::store::{Kind, Store};

pub(super) struct ManagedHealth {
    store: Arc<dyn Store>,
    path: Option<PathBuf>,
    options: YamlOptions,
}

impl ManagedHealth {
    pub(super) fn new(store: Arc<dyn Store>, location: &Location, globals: &Globals) -> Self {
        let path = match location {
            Location::File(path) => Some(path.clone()),
            #[cfg(feature = "sqlite")]
            Location::Sqlite(path) => Some(path.clone()),
            #[cfg(feature = "postgres")]
            Location::Postgres(_) => None,
        };
        let options = path.as_ref().map_or_else(YamlStore::options, |path| globals.options(path));
        Self { store, path, options }
    }

    async fn of_file(&self, store: &YamlStore) -> HealthReport {
        let health = store.health();
        let mut report = HealthReport::new("Key file").read(health.loaded);
        if let Some(error) = health.error {
            let failure = StoreFailure::new(error.to_string()).since(health.failing_since);
            report = report.failing(match &error {
                ReloadError::Invalid(error) => failure.at(error.line(), error.column()),
                _ => failure,
            });
        }
        let (Some(path), options) = (self.path.clone(), self.options.clone()) else {
            return report;
        };
        // Checking a large file takes long, so it runs on a thread for blocking work.
        let found = tokio::task::spawn_blocking(move || options.lint(path).findings()).await;
        found.into_iter().fold(report, HealthReport::with_findings)
    }
}

impl StoreHealth for ManagedHealth {
    fn report(&self) -> HealthFuture<'_> {
        Box::pin(async {
            let report = match self.store.kind() {
                Kind::File(store) => self.of_file(store).await,
                #[cfg(feature = "sqlite")]
                Kind::Sqlite(store) => database("SQLite", store.schema_version().await),
                #[cfg(feature = "postgres")]
                Kind::Postgres(store) => database("PostgreSQL", store.schema_version().await),
            };
            let place = self.path.iter().map(|path| path.display().to_string());
            place.fold(report, HealthReport::at)
        })
    }
}

/// Reports on a database. It has only digests, and the page itself shows why it cannot be read.
fn database(kind: &str, version: Result<i32, impl Display>) -> HealthReport {
    let report = HealthReport::new(kind).with_findings([]);
    version.into_iter().fold(report, HealthReport::with_schema)
}
