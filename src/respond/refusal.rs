use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response};

use super::{Challenges, Respond};
use crate::error::AuthError;

// A constant, as in `problem_json.rs`.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The steps already taken for the [`AuthError`] in the extensions of a response. Outer layers and authenticators read
/// it there.
#[derive(Clone, Copy, Default)]
pub(crate) struct Refusal {
    /// The nearest authenticator has notified its observers, or has none. Other authenticators do not notify theirs.
    pub(crate) notified: bool,
    /// `WWW-Authenticate` holds the default challenges, because no authenticator was known. A layer replaces them.
    pub(crate) default_challenges: bool,
    /// The RateLimit headers of the error were added. They cannot be distinguished from those of another limit.
    rate_limit_headers: bool,
}

impl Refusal {
    pub(crate) fn of<B>(response: &mut Response<B>) -> &mut Self {
        response.extensions_mut().get_or_insert_default()
    }
}

/// Makes the whole response to a refused request. The given challenges replace those of `respond`, so that no disabled
/// scheme is ever offered. A layer that does not know them passes `None`, and the key layer adds them.
pub(crate) fn refusal<B>(
    respond: &(impl Respond<B> + ?Sized),
    error: &AuthError,
    challenges: Option<&Challenges>,
) -> Response<B> {
    let mut response = respond.respond(error);
    if challenges.is_none() {
        response.headers_mut().remove(WWW_AUTHENTICATE);
    }
    complete(&mut response, error, challenges);
    response.extensions_mut().insert(error.clone());
    response
}

/// Adds the headers that every refusal carries to a response with any body.
pub(crate) fn complete<B>(
    response: &mut Response<B>,
    error: &AuthError,
    challenges: Option<&Challenges>,
) {
    let has_rate_limit = rate_limit(error).is_some()
        && std::mem::replace(&mut Refusal::of(response).rate_limit_headers, true);
    add_headers(response.headers_mut(), error, challenges, has_rate_limit);
}

/// Does the same for a header map. The RateLimit headers of the error are left out if the response has them.
pub(crate) fn add_headers(
    headers: &mut HeaderMap,
    error: &AuthError,
    challenges: Option<&Challenges>,
    has_rate_limit: bool,
) {
    headers.insert(CACHE_CONTROL, NO_STORE);
    match error {
        AuthError::Throttled(throttled) => {
            headers.insert(RETRY_AFTER, throttled.retry_after().into());
        }
        AuthError::Unavailable(_) => _ = headers.entry(RETRY_AFTER).or_insert_with(retry_after),
        AuthError::NoCredentials
        | AuthError::WrongCredentials(_)
        | AuthError::InsufficientScope(_)
        | AuthError::SentInClear(_)
        | AuthError::Misconfigured(_) => {}
    }
    for (name, value) in rate_limit(error).filter(|_| !has_rate_limit).into_iter().flatten() {
        headers.append(name, value.clone());
    }
    if let Some(challenges) = challenges {
        challenges.put(error, headers);
    }
}

fn rate_limit(error: &AuthError) -> Option<&HeaderMap> {
    match error {
        AuthError::Throttled(throttled) => throttled.headers(),
        AuthError::NoCredentials
        | AuthError::WrongCredentials(_)
        | AuthError::InsufficientScope(_)
        | AuthError::SentInClear(_)
        | AuthError::Unavailable(_)
        | AuthError::Misconfigured(_) => None,
    }
}

/// One to five seconds at random, so that callers that were refused together do not return together.
fn retry_after() -> HeaderValue {
    // The only random numbers in the standard library. They do not have to be unpredictable here.
    HeaderValue::from(1 + RandomState::new().build_hasher().finish() % 5)
}
