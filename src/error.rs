use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use crate::client::Client;
use crate::digest::KeyId;
#[cfg(feature = "throttle")]
use crate::limit::Throttled;
use crate::require::MissingScope;

/// Why a request was not let in.
///
/// `Display` is fit for the public and is the `detail` of the answer: it tells a missing key from a
/// wrong one, and nothing else. Why a key is wrong is in [`AuthError::reason`], for the service's own
/// logs and metrics.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use keygate::{AuthError, MemoryStore, verify};
///
/// let error = verify(&MemoryStore::new(), &HeaderMap::new()).unwrap_err();
/// assert!(matches!(error, AuthError::NoCredentials));
/// assert_eq!(error.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(error.to_string(), "Credentials not present in request");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request carries no key: 401.
    #[error("Credentials not present in request")]
    NoCredentials,
    /// The request carries a key that does not let it in: 401.
    #[error("Credentials not valid")]
    #[non_exhaustive]
    WrongCredentials {
        /// What is wrong with the key. Not for the caller: it would teach those who probe.
        reason: WrongReason,
        /// The key, where the store knows it.
        key_id: Option<KeyId>,
        /// Whether the key came as `Authorization: Bearer`, whose challenge then names the error
        /// (RFC 6750 section 3.1).
        by_bearer: bool,
    },
    /// The key is right, and its client may not do this: 403.
    #[error("{0}")]
    InsufficientScope(MissingScope),
    /// The client has spent its quota for now, or too many wrong keys came from one address: 429.
    #[cfg(feature = "throttle")]
    #[cfg_attr(docsrs, doc(cfg(feature = "throttle")))]
    #[error("Too many requests")]
    Throttled(Throttled),
    /// The store could not say whether the key is right, or the counters of quotas what its client has spent:
    /// 503.
    #[error("Credentials could not be checked")]
    Unavailable(#[source] StoreError),
}

impl AuthError {
    #[inline]
    pub(crate) fn wrong(reason: WrongReason, key_id: Option<KeyId>, by_bearer: bool) -> Self {
        Self::WrongCredentials { reason, key_id, by_bearer }
    }

    /// The status of the answer: 401, 403 or 503 (RFC 9110 sections 15.5.2, 15.5.4 and 15.6.4), or 429
    /// (RFC 6585 section 4).
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::WrongCredentials { .. } => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            #[cfg(feature = "throttle")]
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What is wrong with the key, if it is the key that is wrong: also where that is answered 429, since too
    /// many wrong ones came from its address, unless a store would have had to be asked about it and was not.
    pub fn reason(&self) -> Option<WrongReason> {
        match self {
            Self::WrongCredentials { reason, .. } => Some(*reason),
            #[cfg(feature = "throttle")]
            Self::Throttled(throttled) => Some(throttled.wrong()?.0),
            _ => None,
        }
    }

    /// The client, where its key was right and something else was not.
    pub(crate) fn client(&self) -> Option<&Client> {
        match self {
            Self::InsufficientScope(missing) => Some(missing.client()),
            #[cfg(feature = "throttle")]
            Self::Throttled(throttled) => throttled.client(),
            #[cfg(feature = "throttle")]
            Self::Unavailable(error) => error.client(),
            _ => None,
        }
    }

    /// One word for a metric's label.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::WrongCredentials { reason, .. } => reason.name(),
            Self::InsufficientScope(_) => "insufficient_scope",
            #[cfg(feature = "throttle")]
            Self::Throttled(throttled) if throttled.client().is_none() => "too_many_failures",
            #[cfg(feature = "throttle")]
            Self::Throttled(_) => "throttled",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The refused key, if the store knows it.
    pub fn key_id(&self) -> Option<KeyId> {
        match self {
            Self::WrongCredentials { key_id, .. } => *key_id,
            #[cfg(feature = "throttle")]
            Self::Throttled(throttled) if throttled.client().is_none() => throttled.wrong()?.1,
            error => Some(error.client()?.key_id()),
        }
    }
}

/// Why a key is wrong: for logs and metrics, never for the caller.
///
/// Its `Display` is one word, made for a metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongReason {
    /// No store knows this key.
    Unknown,
    /// The key has expired.
    Expired,
    /// The key was revoked.
    Revoked,
    /// The client of this key is switched off.
    Disabled,
    /// The request carries more than one key in one place.
    Ambiguous,
    /// The text cannot be a key: it is longer than [`MAX_KEY_BYTES`](crate::MAX_KEY_BYTES), or does not
    /// have the form that [`require_format`](crate::Authenticator::require_format) asks for.
    Malformed,
}

impl WrongReason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::Ambiguous => "ambiguous",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for WrongReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Error for WrongReason {}

/// A store could not answer, or the counters of quotas. Never the same as "there is no such key".
///
/// The error that the store met is its [`source`](Error::source), for the service's own logs; neither
/// `Display` nor the answer to the caller shows it.
///
/// ```
/// use std::error::Error;
/// use keygate::{StoreError, StoreErrorKind};
///
/// let error = StoreError::new("connection refused: db.internal:5432");
/// assert_eq!(error.kind(), StoreErrorKind::Failed);
/// assert!(!error.to_string().contains("db.internal"));
/// assert_eq!(error.source().unwrap().to_string(), "connection refused: db.internal:5432");
/// ```
// One pointer, because it shares its place with the answers of every lookup.
#[derive(Clone)]
pub struct StoreError(Arc<Fault>);

struct Fault {
    kind: StoreErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
    of: Origin,
}

/// What could not answer.
enum Origin {
    Store,
    /// The counters of quotas, asked about this client.
    #[cfg(feature = "throttle")]
    Counters(Client),
    /// A layer that found nobody, since it is in the wrong place.
    #[cfg(feature = "tower")]
    Layer,
}

/// What kept a store from answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store met an error of its own.
    Failed,
    /// The store did not answer before the deadline.
    TimedOut,
    /// The store answered with the record of another key.
    WrongRecord,
}

impl StoreError {
    /// Wraps the error that the store met.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(StoreErrorKind::Failed, Some(source.into()))
    }

    fn of(kind: StoreErrorKind, source: Option<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::new(Fault { kind, source: source.map(Arc::from), of: Origin::Store }))
    }

    /// Of the counters of quotas, which were asked about this client.
    #[cfg(feature = "throttle")]
    #[cold]
    pub(crate) fn for_client(&self, client: &Client) -> Self {
        let Fault { kind, source, .. } = &*self.0;
        let of = Origin::Counters(client.clone());
        Self(Arc::new(Fault { kind: *kind, source: source.clone(), of }))
    }

    #[cfg(feature = "throttle")]
    fn client(&self) -> Option<&Client> {
        if let Origin::Counters(client) = &self.0.of { Some(client) } else { None }
    }

    /// Of a layer that stands where no `ApiKeyLayer` tells it who the client is.
    #[cfg(feature = "tower")]
    #[cold]
    pub(crate) fn of_layer(text: &'static str) -> Self {
        let source: Box<dyn Error + Send + Sync> = text.into();
        let source = Some(Arc::from(source));
        Self(Arc::new(Fault { kind: StoreErrorKind::Failed, source, of: Origin::Layer }))
    }

    #[cfg(feature = "tower")]
    pub(crate) fn is_of_layer(&self) -> bool {
        matches!(self.0.of, Origin::Layer)
    }

    pub(crate) fn timed_out() -> Self {
        Self::of(StoreErrorKind::TimedOut, None)
    }

    pub(crate) fn wrong_record() -> Self {
        Self::of(StoreErrorKind::WrongRecord, None)
    }

    /// What kept the store from answering.
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (&self.0.of, self.0.kind) {
            #[cfg(feature = "throttle")]
            (Origin::Counters(_), StoreErrorKind::TimedOut) => {
                "the counters of quotas did not answer in time"
            }
            #[cfg(feature = "throttle")]
            (Origin::Counters(_), _) => "the counters of quotas could not answer",
            #[cfg(feature = "tower")]
            (Origin::Layer, _) => "a layer does not know who the client is",
            (_, StoreErrorKind::Failed) => "the key store could not answer",
            (_, StoreErrorKind::TimedOut) => "the key store did not answer in time",
            (_, StoreErrorKind::WrongRecord) => {
                "the key store answered with the record of another key"
            }
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
