use std::future::Future;
use std::time::SystemTime;

use axum::http::header::{ETAG, HeaderName, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use keygate::manage::{KeyInfo, ManageError, Rotated};
use keygate::{ApiKey, KeyId, ManageKeys, NewKey};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::etag;
use super::{Attempt, JsonResult, KeyView, Problem, json_with_key};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The message beside the text of a new key.
const ONCE: &str = "Keep the key now: it is shown only in this response.";

const REPEATED: &str = "This request was repeated. Only its first response contained the text of the key. If you do \
                        not have it, revoke this key and issue another one.";

/// A new key.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedKey<'a> {
    /// The text of the key; `null` if the request was repeated.
    key: Option<&'a str>,
    /// A note on how to get the text of the key.
    message: &'a str,
    /// Whether the request is a repeat of an earlier one with the same `Idempotency-Key`.
    replayed: bool,
    issued: KeyView,
}

/// A new key that replaces an old one.
#[derive(Serialize, ToSchema)]
pub(crate) struct RotatedKey<'a> {
    /// The text of the new key; `null` if the request was repeated.
    key: Option<&'a str>,
    /// A note on how to get the text of the key.
    message: &'a str,
    /// Whether the request is a repeat of an earlier one with the same `Idempotency-Key`.
    replayed: bool,
    /// The old key, which expires at the end of its grace period.
    old: KeyView,
    new: KeyView,
}

/// The key that a request created.
#[derive(Clone, Debug)]
pub(crate) enum Made {
    Issued(Box<KeyInfo>),
    Rotated(Box<Rotated>),
}

impl Made {
    fn new_key(&self) -> &KeyInfo {
        match self {
            Self::Issued(key) => key,
            Self::Rotated(rotated) => &rotated.new,
        }
    }

    /// Returns the response. `keys` is the URL of the key list.
    fn response(&self, key: Option<&ApiKey>, keys: &str, now: SystemTime) -> Response {
        let (status, message) =
            if key.is_some() { (StatusCode::CREATED, ONCE) } else { (StatusCode::OK, REPEATED) };
        let (text, replayed) = (key.map(ApiKey::expose), key.is_none());
        let mut response = match self {
            Self::Issued(issued) => {
                let issued = KeyView::of(issued, now);
                json_with_key(status, &IssuedKey { key: text, message, replayed, issued })
            }
            Self::Rotated(rotated) => {
                let [old, new] = [&rotated.old, &rotated.new].map(|key| KeyView::of(key, now));
                json_with_key(status, &RotatedKey { key: text, message, replayed, old, new })
            }
        };
        let headers = response.headers_mut();
        if replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        } else {
            let new = self.new_key();
            let location = format!("{keys}/{}", new.key_id);
            for (name, value) in [(LOCATION, location), (ETAG, etag(new.version()))] {
                if let Ok(value) = HeaderValue::try_from(value) {
                    headers.insert(name, value);
                }
            }
        }
        response
    }
}

/// A request that creates a key, once.
pub(crate) struct Making<'a> {
    pub(crate) attempt: Attempt,
    pub(crate) prefix: &'a str,
    /// The key to replace.
    pub(crate) replaces: Option<KeyId>,
    /// The URL of the key list.
    pub(crate) keys: String,
    pub(crate) now: SystemTime,
}

impl Making<'_> {
    /// Generates a key, and calls `add` to add it to the store. This runs to its end even if the caller disconnects,
    /// and the outcome is remembered for a repeat.
    pub(crate) async fn run<F, M>(
        self,
        store: &dyn ManageKeys,
        refusal: fn(ManageError) -> Problem,
        add: M,
    ) -> JsonResult
    where
        F: Future<Output = Result<Made, Failure>> + Send + 'static,
        M: FnOnce(NewKey) -> F,
    {
        let Self { attempt, prefix, replaces, keys, now } = self;
        let mut slot = match attempt {
            Attempt::First(slot) => slot,
            Attempt::Repeat(made) => return Ok(made.response(None, &keys, now)),
            Attempt::Recover(key_id, slot) => {
                if let Some(made) = found(store, key_id, replaces).await.map_err(refusal)? {
                    slot.finish(&made);
                    return Ok(made.response(None, &keys, now));
                }
                slot
            }
        };
        // The prefix was checked, so only the random number generator can fail.
        let Ok(key) = ApiKey::generate(prefix) else {
            slot.forget();
            return Err(Problem::internal());
        };
        slot.expect(key.key_id());
        let adding = add(NewKey::from(&key));
        let made = tokio::spawn(async move {
            let made = adding.await;
            match &made {
                Ok(made) => slot.finish(made),
                // The store may have added the key all the same.
                Err(Failure::Store(ManageError::Unavailable(_))) => drop(slot),
                Err(_) => slot.forget(),
            }
            made
        });
        match made.await {
            Ok(Ok(made)) => Ok(made.response(Some(&key), &keys, now)),
            Ok(Err(Failure::Store(error))) => Err(refusal(error)),
            Ok(Err(Failure::Refused(problem))) => Err(*problem),
            Err(_) => Err(Problem::internal()),
        }
    }
}

/// The reason why no key was created.
pub(crate) enum Failure {
    Store(ManageError),
    Refused(Box<Problem>),
}

impl From<ManageError> for Failure {
    fn from(error: ManageError) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

/// Returns the key of a request with an unknown outcome, if the store has it.
async fn found(
    store: &dyn ManageKeys,
    key_id: KeyId,
    replaces: Option<KeyId>,
) -> Result<Option<Made>, ManageError> {
    let new = match store.find_key(&key_id).await {
        Ok(new) => new,
        Err(ManageError::UnknownKey { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(match replaces {
        None => Made::Issued(Box::new(new)),
        Some(old) => Made::Rotated(Box::new(Rotated::new(store.find_key(&old).await?, new))),
    }))
}
