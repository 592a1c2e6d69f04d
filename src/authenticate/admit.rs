use std::time::SystemTime;

use super::config::Clock;
#[cfg(feature = "throttle")]
use super::guarded::Guard;
use crate::client::Client;
use crate::credential::Credential;
use crate::error::{AuthError, StoreError, WrongReason};
use crate::key::{KeyDigest, KeyState};
use crate::observe::{Observers, Outcome};
use crate::store::{Answer, KeyRecord};

/// The question that is put to a store.
#[derive(Clone, Copy)]
pub(super) struct LookupRequest {
    pub(super) digest: KeyDigest,
    by_bearer: bool,
}

impl LookupRequest {
    #[inline]
    pub(super) fn of(credential: Credential) -> Result<Self, AuthError> {
        match credential {
            Credential::Key { digest, by_bearer } => Ok(Self { digest, by_bearer }),
            Credential::Absent | Credential::Blank => Err(AuthError::NoCredentials),
            Credential::Wrong { reason, by_bearer } => {
                Err(AuthError::wrong(reason, None, by_bearer))
            }
        }
    }

    /// The one place where a record becomes a [`Client`] or an error. Every door goes through it.
    // In each place of its own, so that the record that comes in and the client that goes out stay in
    // registers.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(super) fn admit(
        self,
        answer: Result<Option<KeyRecord>, StoreError>,
        clock: Option<&Clock>,
    ) -> Result<Client, AuthError> {
        let record = match answer {
            Ok(Some(record)) => record,
            Ok(None) => return Err(AuthError::wrong(WrongReason::Unknown, None, self.by_bearer)),
            Err(error) => return Err(AuthError::Unavailable(error)),
        };
        // A store or cache that returns the wrong row is out of order, and not a way in.
        if record.digest() != self.digest {
            return Err(AuthError::Unavailable(StoreError::wrong_record()));
        }
        let key_id = record.key_id();
        // Most keys are active and never expire: that is one comparison.
        if record.mark().is_clear() {
            return Ok(Client::new(record.into_profile(), key_id, self.by_bearer));
        }
        match refusal(&record, clock) {
            None => Ok(Client::new(record.into_profile(), key_id, self.by_bearer)),
            Some(reason) => Err(AuthError::wrong(reason, Some(key_id), self.by_bearer)),
        }
    }
}

impl LookupRequest {
    /// As [`LookupRequest::admit`], and tells of it. What refuses is what this makes of an error.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(super) fn admit_and_notify(
        self,
        answer: Answer,
        clock: Option<&Clock>,
        observers: &Observers,
        refused: impl FnOnce(AuthError) -> AuthError,
    ) -> Result<Client, AuthError> {
        if observers.is_empty() {
            return self.admit(answer, clock).map_err(refused);
        }
        match answer {
            // Most are this: their record goes on in registers, and not by way of the memory.
            Ok(Some(record)) if record.mark().is_clear() => {
                match self.admit(Ok(Some(record)), clock) {
                    Ok(client) => Ok(observers.notify_admitted(client)),
                    Err(error) => Err(observers.notify_refused(refused(error))),
                }
            }
            answer => self.admit_others_and_notify(answer, clock, observers, refused),
        }
    }

    #[inline(never)]
    fn admit_others_and_notify(
        self,
        answer: Answer,
        clock: Option<&Clock>,
        observers: &Observers,
        refused: impl FnOnce(AuthError) -> AuthError,
    ) -> Result<Client, AuthError> {
        let record = answer.as_ref().ok().and_then(Option::as_ref);
        // A record of another key names no client.
        let record = record.filter(|record| record.digest() == self.digest);
        // An admitted client is reported by itself.
        let record = record.filter(|record| !record.mark().is_clear());
        let profile = record.map(|record| record.profile().clone());
        let result = self.admit(answer, clock).map_err(refused);
        observers.notify(match &result {
            Ok(client) => Outcome::admitted(client),
            Err(error) => Outcome::refused(error, profile.as_ref()),
        });
        result
    }
}

/// What is needed to decide later, when the store has answered.
pub(super) struct PendingVerification {
    pub(super) clock: Option<Clock>,
    pub(super) observers: Observers,
    #[cfg(feature = "throttle")]
    pub(super) guard: Option<Guard>,
}

impl PendingVerification {
    pub(super) fn decide(&self, asked: LookupRequest, answer: Answer) -> Result<Client, AuthError> {
        #[cfg(feature = "throttle")]
        if let Some(guard) = &self.guard {
            return self.decide_guarded(guard, asked, answer);
        }
        asked.admit_and_notify(answer, self.clock.as_ref(), &self.observers, |error| error)
    }

    #[cfg(feature = "throttle")]
    fn decide_guarded(
        &self,
        Guard { failures, address }: &Guard,
        asked: LookupRequest,
        answer: Answer,
    ) -> Result<Client, AuthError> {
        let clock = self.clock.as_ref();
        let counted = |error| failures.count_waited(error, asked.digest, *address, now(clock));
        let result = asked.admit_and_notify(answer, clock, &self.observers, counted);
        if result.is_ok() {
            failures.remember(asked.digest, now(clock));
        }
        result
    }
}

fn refusal(record: &KeyRecord, clock: Option<&Clock>) -> Option<WrongReason> {
    match record.state() {
        KeyState::Active => {}
        KeyState::Revoked => return Some(WrongReason::Revoked),
        KeyState::Disabled => return Some(WrongReason::Disabled),
    }
    // A clock costs 23 ns to read, so it is read for keys that expire only.
    let expires = record.expires()?;
    (now(clock) >= expires).then_some(WrongReason::Expired)
}

pub(super) fn now(clock: Option<&Clock>) -> SystemTime {
    clock.map_or_else(SystemTime::now, |clock| clock())
}
