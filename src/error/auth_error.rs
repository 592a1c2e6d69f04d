use http::StatusCode;

use super::misconfiguration::Misconfiguration;
use super::missing_scope::MissingScope;
use super::store_error::StoreError;
use super::throttled::Throttled;
use super::wrong_reason::WrongReason;
use crate::client::Client;
use crate::key::KeyId;

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
    #[error("Too many requests")]
    Throttled(Throttled),
    /// The store could not say whether the key is right, or the counters of quotas what its client has spent:
    /// 503.
    #[error("Credentials could not be checked")]
    Unavailable(#[source] StoreError),
    /// The service lacks something that the decision needs: 500.
    #[error("{0}")]
    Misconfigured(Misconfiguration),
}

impl AuthError {
    #[inline]
    pub(crate) fn wrong(reason: WrongReason, key_id: Option<KeyId>, by_bearer: bool) -> Self {
        Self::WrongCredentials { reason, key_id, by_bearer }
    }

    /// The status of the response: 401, 403, 500 or 503 (RFC 9110 sections 15.5.2, 15.5.4, 15.6.1 and 15.6.4), or 429
    /// (RFC 6585 section 4).
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::WrongCredentials { .. } => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misconfigured(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What is wrong with the key, if it is the key that is wrong: also where that is answered 429, since too
    /// many wrong ones came from its address, unless a store would have had to be asked about it and was not.
    pub fn reason(&self) -> Option<WrongReason> {
        match self {
            Self::WrongCredentials { reason, .. } => Some(*reason),
            Self::Throttled(throttled) => Some(throttled.wrong()?.0),
            Self::NoCredentials
            | Self::InsufficientScope(_)
            | Self::Unavailable(_)
            | Self::Misconfigured(_) => None,
        }
    }

    /// The client, where its key was right and something else was not.
    pub(crate) fn client(&self) -> Option<&Client> {
        match self {
            Self::InsufficientScope(missing) => Some(missing.client()),
            Self::Throttled(throttled) => throttled.client(),
            Self::Unavailable(error) => error.client(),
            Self::NoCredentials | Self::WrongCredentials { .. } | Self::Misconfigured(_) => None,
        }
    }

    /// The refused key, if the store knows it.
    pub fn key_id(&self) -> Option<KeyId> {
        match self {
            Self::WrongCredentials { key_id, .. } => *key_id,
            Self::Throttled(throttled) if throttled.client().is_none() => throttled.wrong()?.1,
            error => Some(error.client()?.key_id()),
        }
    }
}
