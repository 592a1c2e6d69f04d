use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::client::Client;

/// The failure of a store, or of the counters of quotas. It is never reported as an unknown key.
///
/// The cause is its [`source`](Error::source), for the service's own logs; neither `Display` nor the response to the
/// caller shows it.
///
/// ```
/// use std::error::Error;
/// use keygate::StoreError;
/// use keygate::error::StoreErrorKind;
///
/// let error = StoreError::new("connection refused: db.internal:5432");
/// assert_eq!(error.kind(), StoreErrorKind::Failed);
/// assert!(!error.to_string().contains("db.internal"));
/// assert_eq!(error.source().unwrap().to_string(), "connection refused: db.internal:5432");
/// ```
// One pointer, since it is part of the result of every lookup.
#[derive(Clone)]
pub struct StoreError(Arc<Fault>);

struct Fault {
    kind: StoreErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
    of: Respondent,
}

/// The part that failed.
#[cfg_attr(not(feature = "throttle"), allow(dead_code))]
enum Respondent {
    Store,
    /// The counters of quotas, for this client.
    Counters(Client),
}

/// The kind of a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store reported an error.
    Failed,
    /// The store did not respond before the deadline.
    TimedOut,
    /// Another connection or process holds a lock of the store.
    Busy,
    /// The store returned the record of another key.
    WrongRecord,
    /// The store can be read, but not changed.
    ReadOnly,
}

impl StoreError {
    /// Wraps the error of a store.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(StoreErrorKind::Failed, Some(source.into()))
    }

    fn of(kind: StoreErrorKind, source: Option<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::new(Fault { kind, source: source.map(Arc::from), of: Respondent::Store }))
    }

    /// Marks the failure as one of the quota counters, for this client.
    #[cold]
    #[cfg_attr(not(feature = "throttle"), allow(dead_code))]
    pub(crate) fn for_client(&self, client: &Client) -> Self {
        let Fault { kind, source, .. } = &*self.0;
        let of = Respondent::Counters(client.clone());
        Self(Arc::new(Fault { kind: *kind, source: source.clone(), of }))
    }

    pub(super) fn client(&self) -> Option<&Client> {
        if let Respondent::Counters(client) = &self.0.of { Some(client) } else { None }
    }

    #[cfg_attr(not(feature = "sqlite"), allow(dead_code))]
    pub(crate) fn busy(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(StoreErrorKind::Busy, Some(source.into()))
    }

    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub(crate) fn read_only(why: String) -> Self {
        Self::of(StoreErrorKind::ReadOnly, Some(why.into()))
    }

    pub(crate) fn timed_out() -> Self {
        Self::of(StoreErrorKind::TimedOut, None)
    }

    pub(crate) fn wrong_record() -> Self {
        Self::of(StoreErrorKind::WrongRecord, None)
    }

    /// Returns the kind of the failure.
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (&self.0.of, self.0.kind) {
            (Respondent::Counters(_), StoreErrorKind::TimedOut) => {
                "the counters of quotas did not respond in time"
            }
            (
                Respondent::Counters(_),
                StoreErrorKind::Failed
                | StoreErrorKind::Busy
                | StoreErrorKind::WrongRecord
                | StoreErrorKind::ReadOnly,
            ) => "the counters of quotas failed",
            (Respondent::Store, StoreErrorKind::Failed | StoreErrorKind::Busy) => {
                "the key store failed"
            }
            (Respondent::Store, StoreErrorKind::TimedOut) => {
                "the key store did not respond in time"
            }
            (Respondent::Store, StoreErrorKind::WrongRecord) => {
                "the key store returned the record of another key"
            }
            (Respondent::Store, StoreErrorKind::ReadOnly) => "the key store cannot be changed",
        })
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.0.kind)
            .field("source", &self.0.source)
            .finish()
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}
