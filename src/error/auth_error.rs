use http::StatusCode;

use super::misconfiguration::Misconfiguration;
use super::missing_scope::MissingScope;
use super::sent_in_clear::SentInClear;
use super::store_error::StoreError;
use super::throttled::Throttled;
use super::wrong_key::WrongKey;
use super::wrong_reason::WrongReason;
use crate::client::Client;
use crate::key::KeyId;

/// Why a request was refused.
///
/// `Display` is safe to show to callers and is the `detail` of the response: it distinguishes a missing key from a
/// wrong one, but does not say why a key is wrong. [`AuthError::reason`] says why a key is wrong, for the service's own
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
    /// The request has no key: 401.
    #[error("Credentials not present in request")]
    NoCredentials,
    /// The key of the request is wrong: 401.
    #[error("Credentials not valid")]
    WrongCredentials(WrongKey),
    /// The key is right, and its client lacks a scope: 403.
    #[error("{0}")]
    InsufficientScope(MissingScope),
    /// The request was sent in clear, and the service requires TLS: 403, whatever its key. See
    /// [`Authenticator::require_tls`](crate::Authenticator::require_tls).
    #[error("Requests must use HTTPS")]
    SentInClear(SentInClear),
    /// The client has spent its quota, or too many wrong keys came from one address: 429.
    #[error("Too many requests")]
    Throttled(Throttled),
    /// The store or the counters of quotas failed or did not respond in time: 503.
    #[error("Credentials could not be checked")]
    Unavailable(#[source] StoreError),
    /// The service lacks something that the decision needs: 500.
    #[error("{0}")]
    Misconfigured(Misconfiguration),
}

impl AuthError {
    #[inline]
    pub(crate) fn wrong(reason: WrongReason, key_id: Option<KeyId>, by_bearer: bool) -> Self {
        Self::WrongCredentials(WrongKey { reason, key_id, by_bearer })
    }

    /// Returns the status of the response: 401, 403, 500 or 503 (RFC 9110 sections 15.5.2, 15.5.4, 15.6.1 and 15.6.4),
    /// or 429 (RFC 6585 section 4).
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::WrongCredentials(_) => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope(_) | Self::SentInClear(_) => StatusCode::FORBIDDEN,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misconfigured(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns why the key is wrong, if it is.
    ///
    /// This includes a wrong key that was looked up and refused as [`AuthError::Throttled`].
    pub fn reason(&self) -> Option<WrongReason> {
        match self {
            Self::WrongCredentials(wrong) => Some(wrong.reason),
            Self::Throttled(throttled) => Some(throttled.wrong()?.0),
            Self::NoCredentials
            | Self::InsufficientScope(_)
            | Self::SentInClear(_)
            | Self::Unavailable(_)
            | Self::Misconfigured(_) => None,
        }
    }

    /// Returns the client, if its key is right and the request was refused for another reason.
    pub(crate) fn client(&self) -> Option<&Client> {
        match self {
            Self::InsufficientScope(missing) => Some(missing.client()),
            Self::Throttled(throttled) => throttled.client(),
            Self::Unavailable(error) => error.client(),
            Self::NoCredentials
            | Self::WrongCredentials(_)
            | Self::SentInClear(_)
            | Self::Misconfigured(_) => None,
        }
    }

    /// Returns the id of the refused key, if the store knows the key. For a request that was sent in clear, it is
    /// returned only if the request would have been admitted over TLS.
    pub fn key_id(&self) -> Option<KeyId> {
        match self {
            Self::WrongCredentials(wrong) => wrong.key_id,
            Self::SentInClear(sent) => sent.key_id(),
            Self::Throttled(throttled) if throttled.client().is_none() => throttled.wrong()?.1,
            Self::NoCredentials
            | Self::InsufficientScope(_)
            | Self::Throttled(_)
            | Self::Unavailable(_)
            | Self::Misconfigured(_) => Some(self.client()?.key_id()),
        }
    }
}
