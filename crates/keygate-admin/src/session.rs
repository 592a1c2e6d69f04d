use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use keygate::{AuthError, Client, KeyDigest};

use crate::app::App;
use crate::error::PageError;
use crate::operator::{Operator, Role, role_of};
use crate::random::{self, NoRandomness};

/// The header of requests that the page's script sends by itself, even if nobody is there. They do not keep a session.
const REFRESH: &str = "x-keygate-refresh";

/// The time without a request after which a session ends.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// The time after which a session ends in any case.
const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// The maximum number of sessions of one operator. Beyond it, the operator's session that was idle longest ends.
const LIMIT: usize = 20;

/// The sessions of this process, by the digest of their token. The tokens themselves are not kept.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<KeyDigest, Session>>);

struct Session {
    who: Who,
    /// The token of the session's forms.
    csrf: Arc<str>,
    started: SystemTime,
    seen: SystemTime,
}

/// Who signed in.
#[derive(Clone)]
pub(crate) enum Who {
    /// Somebody who typed the sign-in code, with the name that events record.
    ByCode(Arc<str>),
    /// A client in the operators' store.
    ByKey(Client),
}

impl Who {
    fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ByCode(name), Self::ByCode(other)) => name == other,
            (Self::ByKey(client), Self::ByKey(other)) => client.name() == other.name(),
            (Self::ByCode(_), Self::ByKey(_)) | (Self::ByKey(_), Self::ByCode(_)) => false,
        }
    }
}

impl Sessions {
    /// Starts a session and returns its token.
    pub(crate) fn begin(&self, who: Who, now: SystemTime) -> Result<String, NoRandomness> {
        let (token, csrf) = (random::token()?, random::token()?.into());
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.is_alive(now));
        let own = || sessions.iter().filter(|(_, session)| session.who.is_same_as(&who));
        if own().count() >= LIMIT {
            let oldest = own().min_by_key(|(_, session)| session.seen);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                sessions.remove(&oldest);
            }
        }
        let session = Session { who, csrf, started: now, seen: now };
        sessions.insert(KeyDigest::of(token.as_bytes()), session);
        Ok(token)
    }

    /// Ends the session with this token, if there is one.
    pub(crate) fn end(&self, token: &str) {
        self.lock().remove(&KeyDigest::of(token.as_bytes()));
    }

    /// Returns the operator and the form token of a session. If somebody is there, the idle time begins anew.
    fn find(
        &self,
        token: &str,
        now: SystemTime,
        is_somebody_there: bool,
    ) -> Option<(Who, Arc<str>)> {
        let digest = KeyDigest::of(token.as_bytes());
        let mut sessions = self.lock();
        let session = sessions.get_mut(&digest)?;
        if !session.is_alive(now) {
            sessions.remove(&digest);
            return None;
        }
        if is_somebody_there {
            session.seen = now;
        }
        Some((session.who.clone(), Arc::clone(&session.csrf)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyDigest, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_alive(&self, now: SystemTime) -> bool {
        // If the clock was set back, the session goes on.
        let since = |time| now.duration_since(time).unwrap_or_default();
        since(self.seen) < IDLE && since(self.started) < LIFETIME
    }
}

/// Returns the operator of a session. The operator's key is verified again for each request, since it may have been
/// revoked or its client may have a new role.
pub(crate) async fn operator(
    app: &App,
    token: &str,
    headers: &HeaderMap,
) -> Result<Option<Operator>, PageError> {
    let is_somebody_there = !headers.contains_key(REFRESH);
    let found = app.sessions.find(token, app.now(), is_somebody_there);
    let Some((who, csrf)) = found else { return Ok(None) };
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
        // The key may still be valid: keep the session, and refuse only this request.
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
    fn longest_idle_session_of_the_same_operator_ends() {
        let sessions = Sessions::default();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let by_code =
            |name: &str, seconds| sessions.begin(Who::ByCode(name.into()), at(seconds)).unwrap();
        let by_key = |name: &str, seconds| {
            sessions.begin(Who::ByKey(Client::for_test(name)), at(seconds)).unwrap()
        };
        let is_alive = |token: &String| sessions.find(token, at(1_001), false).is_some();
        let others = [by_key("bob", 0), by_code("ann", 0), by_code("bob", 0)];
        let first = by_key("ann", 0);
        let tokens = (1..=1_000)
            .map(|seconds| {
                assert!(sessions.find(&first, at(seconds), true).is_some());
                by_key("ann", seconds)
            })
            .collect::<Vec<_>>();
        assert!(is_alive(&first) && others.iter().all(is_alive));
        let (ended, alive) = tokens.split_at(1_000 - (LIMIT - 1));
        assert!(!ended.iter().any(is_alive) && alive.iter().all(is_alive));

        let codes = (1..=1_000).map(|seconds| by_code("bob", seconds)).collect::<Vec<_>>();
        let (ended, alive) = codes.split_at(1_000 - LIMIT);
        assert!(!ended.iter().any(is_alive) && alive.iter().all(is_alive));
        assert!(is_alive(&others[0]) && is_alive(&others[1]));
    }
}
