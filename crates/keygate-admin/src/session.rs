use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use keygate::{AuthError, Client, KeyDigest};

use crate::app::App;
use crate::error::PageError;
use crate::operator::{Operator, Role, role_of};
use crate::random::{self, NoRandomness};

/// A session ends after this time without a request.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// A session ends after this time.
const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// With more sessions, the one that was idle for longest ends. Each took a valid code or key.
const LIMIT: usize = 1_000;

/// The sessions of this process, by the digests of their tokens: the memory holds no token.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<KeyDigest, Session>>);

struct Session {
    who: Who,
    /// The token of its forms.
    csrf: Arc<str>,
    started: SystemTime,
    seen: SystemTime,
}

/// Who signed in.
#[derive(Clone)]
pub(crate) enum Who {
    /// Somebody who read the sign-in code, with the name for events.
    ByCode(Arc<str>),
    /// A client of the operators' store.
    ByKey(Client),
}

impl Sessions {
    /// Begins a session, and returns its token.
    pub(crate) fn begin(&self, who: Who, now: SystemTime) -> Result<String, NoRandomness> {
        let (token, csrf) = (random::token()?, random::token()?.into());
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.is_alive(now));
        if sessions.len() >= LIMIT {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.seen);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                sessions.remove(&oldest);
            }
        }
        let session = Session { who, csrf, started: now, seen: now };
        sessions.insert(KeyDigest::of(token.as_bytes()), session);
        Ok(token)
    }

    /// Ends a session, if it is one.
    pub(crate) fn end(&self, token: &str) {
        self.lock().remove(&KeyDigest::of(token.as_bytes()));
    }

    fn touch(&self, token: &str, now: SystemTime) -> Option<(Who, Arc<str>)> {
        let digest = KeyDigest::of(token.as_bytes());
        let mut sessions = self.lock();
        let session = sessions.get_mut(&digest)?;
        if !session.is_alive(now) {
            sessions.remove(&digest);
            return None;
        }
        session.seen = now;
        Some((session.who.clone(), Arc::clone(&session.csrf)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyDigest, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_alive(&self, now: SystemTime) -> bool {
        // A clock that was set back ends no session.
        let since = |time| now.duration_since(time).unwrap_or_default();
        since(self.seen) < IDLE && since(self.started) < LIFETIME
    }
}

/// Returns the operator of a session. The key of the operator is verified again with each request: it may have been revoked
/// since, or its client have another role.
pub(crate) async fn operator(app: &App, token: &str) -> Result<Option<Operator>, PageError> {
    let Some((who, csrf)) = app.sessions.touch(token, app.now()) else { return Ok(None) };
    let client = match (&who, &app.operators) {
        (Who::ByCode(name), _) => {
            return Ok(Some(Operator::of_session(name, Role::Admin, &csrf, token)));
        }
        (Who::ByKey(client), Some(operators)) => operators.revalidate(client).await,
        (Who::ByKey(_), None) => return Ok(None),
    };
    match client {
        Ok(client) => {
            let role = role_of(&client);
            if role.is_none() {
                app.sessions.end(token);
            }
            Ok(role.map(|role| Operator::of_session(client.name(), role, &csrf, token)))
        }
        // Nothing is known about the key: the session stays, and this request is refused.
        Err(AuthError::Unavailable(_)) => Err(PageError::OperatorsUnavailable),
        Err(_) => {
            app.sessions.end(token);
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn session_that_was_idle_for_longest_ends_at_the_limit() {
        let sessions = Sessions::default();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let begin = |seconds| sessions.begin(Who::ByCode("ann".into()), at(seconds)).unwrap();
        let [first, second] = [0, 1].map(begin);
        assert!(sessions.touch(&first, at(2)).is_some());
        let others = (2..=1_000).map(begin).collect::<Vec<_>>();
        assert!(sessions.touch(&second, at(1_000)).is_none());
        assert!(sessions.touch(&first, at(1_000)).is_some());
        assert!(others.iter().all(|token| sessions.touch(token, at(1_000)).is_some()));
    }
}
