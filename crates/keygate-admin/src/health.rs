use std::pin::Pin;
use std::time::SystemTime;

use keygate::manage::AuditFinding;

/// The future of [`StoreHealth::report`].
pub type HealthFuture<'a> = Pin<Box<dyn Future<Output = HealthReport> + Send + 'a>>;

/// Reports the state of the managed store for the health and key safety pages.
///
/// `keygate admin` implements it for key files, SQLite and PostgreSQL. Without an implementation, the page shows only
/// whether the store can be read.
///
/// ```
/// use keygate::YamlStore;
/// use keygate_admin::{HealthFuture, HealthReport, StoreFailure, StoreHealth};
/// use keygate::store::ReloadError;
///
/// struct FileHealth(YamlStore, String);
///
/// impl StoreHealth for FileHealth {
///     fn report(&self) -> HealthFuture<'_> {
///         let Self(store, path) = self;
///         let health = store.health();
///         let mut report = HealthReport::new("Key file").at(path).read(health.loaded);
///         if let Some(error) = health.error {
///             let failure = StoreFailure::new(error.to_string()).since(health.failing_since);
///             report = report.failing(match &error {
///                 ReloadError::Invalid(error) => failure.at(error.line(), error.column()),
///                 _ => failure,
///             });
///         }
///         let found = YamlStore::lint(path).findings();
///         Box::pin(async { report.with_findings(found) })
///     }
/// }
/// ```
pub trait StoreHealth: Send + Sync {
    /// Returns the current state. It is called for every view of a page, so a report on a database should wait for a
    /// few seconds at most.
    fn report(&self) -> HealthFuture<'_>;
}

/// The state of a store. The page shows values that are not set as not known.
///
/// See [`StoreHealth`] for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct HealthReport {
    pub(crate) kind: String,
    pub(crate) place: Option<String>,
    pub(crate) schema: Option<i32>,
    pub(crate) read: Option<SystemTime>,
    pub(crate) failure: Option<StoreFailure>,
    pub(crate) findings: Option<Vec<AuditFinding>>,
}

impl HealthReport {
    /// Creates a report on a store of this kind, such as "Key file" or "PostgreSQL".
    pub fn new(kind: impl Into<String>) -> Self {
        let (place, schema, read, failure, findings) = Default::default();
        Self { kind: kind.into(), place, schema, read, failure, findings }
    }

    /// Sets the location of the store: a path, or the name of a database. It must not contain a password, which the URL
    /// of a database may.
    pub fn at(self, place: impl Into<String>) -> Self {
        Self { place: Some(place.into()), ..self }
    }

    /// Sets the version of the database's tables.
    pub fn with_schema(self, version: i32) -> Self {
        Self { schema: Some(version), ..self }
    }

    /// Sets the time at which the file was last read without a failure.
    pub fn read(self, time: SystemTime) -> Self {
        Self { read: Some(time), ..self }
    }

    /// Sets the current failure.
    pub fn failing(self, failure: StoreFailure) -> Self {
        Self { failure: Some(failure), ..self }
    }

    /// Sets the findings in a key file: weak keys and plaintext keys (`YamlLint::findings`). A database has neither.
    pub fn with_findings(self, findings: impl IntoIterator<Item = AuditFinding>) -> Self {
        Self { findings: Some(findings.into_iter().collect()), ..self }
    }
}

/// The reason why a store cannot be read, or why a file could not be reloaded.
///
/// See [`StoreHealth`] for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct StoreFailure {
    pub(crate) message: String,
    pub(crate) since: Option<SystemTime>,
    pub(crate) line: Option<usize>,
    pub(crate) column: Option<usize>,
}

impl StoreFailure {
    /// Creates a failure with a message, which must not contain a key.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), since: None, line: None, column: None }
    }

    /// Sets the time at which the failure began.
    pub fn since(self, time: Option<SystemTime>) -> Self {
        Self { since: time, ..self }
    }

    /// Sets the line and column in the file, both counted from 1.
    pub fn at(self, line: Option<usize>, column: Option<usize>) -> Self {
        Self { line, column, ..self }
    }
}
