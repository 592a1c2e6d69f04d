use std::net::IpAddr;

use super::config::Config;
use super::guard::{Attempt, Subject};
use crate::client::{Client, ClientProfile};
use crate::clock::{self, Clock};
use crate::credential::Credential;
use crate::error::{AuthError, Misconfiguration, SentInClear, StoreError, WrongReason};
use crate::key::{KeyDigest, KeyState, Lifetime, PackedStatus, Validity};
use crate::observe::Outcome;
use crate::store::{KeyRecord, LookupResult};

/// A key that was read from a request, to be looked up.
#[derive(Clone, Copy)]
pub(super) struct LookupRequest {
    pub(super) digest: KeyDigest,
    by_bearer: bool,
}

impl LookupRequest {
    /// Looks up the key of an admitted client again.
    pub(super) fn of_client(client: &Client) -> Self {
        Self { digest: client.digest, by_bearer: client.by_bearer }
    }

    #[inline]
    pub(super) fn new(credential: Credential) -> Result<Self, AuthError> {
        match credential {
            Credential::Key { digest, by_bearer } => Ok(Self { digest, by_bearer }),
            Credential::Absent | Credential::Blank => Err(AuthError::NoCredentials),
            Credential::Wrong { reason, by_bearer } => {
                Err(AuthError::wrong(reason, None, by_bearer))
            }
        }
    }

    /// The one place where a record becomes a [`Client`] or an error.
    // Always inlined, so that the record and the client stay in registers.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    fn admit(
        self,
        found: LookupResult,
        attempt: Attempt<'_>,
        clock: Option<&Clock>,
    ) -> Result<Client, AuthError> {
        let record = match found {
            Ok(Some(record)) => record,
            Ok(None) => return Err(AuthError::wrong(WrongReason::Unknown, None, self.by_bearer)),
            Err(error) => return Err(AuthError::Unavailable(error)),
        };
        let KeyRecord { digest, profile, status } = record;
        // A store or cache that returns the wrong row is broken and must admit nobody.
        if digest != self.digest {
            return Err(AuthError::Unavailable(StoreError::wrong_record()));
        }
        // Most keys are active, never expire and have no restrictions: two comparisons.
        if status == PackedStatus::CLEAR && !profile.is_restricted() {
            let by_bearer = self.by_bearer;
            return Ok(Client { profile, digest, status, by_bearer, address: None });
        }
        self.admit_restricted(profile, status, attempt, clock)
    }

    /// Checks the state, lifetime and networks of a key.
    // Not inlined, so that the code for other keys stays small, and the client is written where it is returned.
    #[inline(never)]
    fn admit_restricted(
        self,
        profile: ClientProfile,
        status: PackedStatus,
        attempt: Attempt<'_>,
        clock: Option<&Clock>,
    ) -> Result<Client, AuthError> {
        let Self { digest, by_bearer } = self;
        match check(&profile, status, attempt, clock) {
            Ok(address) => Ok(Client { profile, digest, status, by_bearer, address }),
            Err(Refused::Wrong(reason)) => {
                Err(AuthError::wrong(reason, Some(digest.key_id()), by_bearer))
            }
            Err(Refused::NoAddress) => {
                Err(AuthError::Misconfigured(Misconfiguration::NoAddressForNetworks))
            }
        }
    }
}

/// Why a known key is refused.
enum Refused {
    Wrong(WrongReason),
    NoAddress,
}

/// Returns the client address, if it was needed.
fn check(
    profile: &ClientProfile,
    status: PackedStatus,
    attempt: Attempt<'_>,
    clock: Option<&Clock>,
) -> Result<Option<IpAddr>, Refused> {
    let wrong = match status.state() {
        KeyState::Active => lapse(profile.lifetime(status.expires()), clock),
        KeyState::Revoked => Some(WrongReason::Revoked),
        KeyState::Disabled => Some(WrongReason::Disabled),
    };
    if let Some(reason) = wrong {
        return Err(Refused::Wrong(reason));
    }
    let Some(networks) = profile.allowed_networks() else { return Ok(None) };
    match attempt.address_source.address() {
        Some(address) if networks.iter().any(|network| network.contains_canonical(address)) => {
            Ok(Some(address.into()))
        }
        Some(_) => Err(Refused::Wrong(WrongReason::Network)),
        // The key had no networks when the client was admitted, and its address was not read.
        None if attempt.subject == Subject::Client => Err(Refused::Wrong(WrongReason::Network)),
        None => Err(Refused::NoAddress),
    }
}

fn lapse(lifetime: Lifetime, clock: Option<&Clock>) -> Option<WrongReason> {
    // The clock is read only for keys that need it.
    if lifetime == Lifetime::default() {
        return None;
    }
    match lifetime.validity(clock::now(clock)) {
        Validity::Valid => None,
        Validity::NotYetValid => Some(WrongReason::NotYetValid),
        Validity::Expired => Some(WrongReason::Expired),
    }
}

impl Config {
    /// Decides on a key that was looked up. Every function that verifies ends here.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(super) fn decide(
        &self,
        request: LookupRequest,
        found: LookupResult,
        attempt: Attempt<'_>,
    ) -> Result<Client, AuthError> {
        let is_reported = match attempt.subject {
            Subject::Request => self.guard.is_some() || !self.observers.is_empty(),
            Subject::RequestInClear => true,
            Subject::Client => false,
        };
        if !is_reported {
            return request.admit(found, attempt, self.clock.as_ref());
        }
        self.decide_and_report(request, found, attempt)
    }

    #[inline(never)]
    fn decide_and_report(
        &self,
        request: LookupRequest,
        found: LookupResult,
        attempt: Attempt<'_>,
    ) -> Result<Client, AuthError> {
        let clock = self.clock.as_ref();
        let in_clear = attempt.subject == Subject::RequestInClear;
        let record = found.as_ref().ok().and_then(Option::as_ref);
        // The record of another key must not name a client.
        let record = record.filter(|record| record.digest() == request.digest);
        // For an unrestricted key, the admitted client has the profile.
        let record = record.filter(|record| !record.is_unrestricted());
        let mut profile = record.map(|record| record.profile().clone());
        let mut result = request.admit(found, attempt, clock);
        if let Some(guard) = &self.guard {
            let digest = request.digest;
            match &result {
                Ok(_) => guard.admitted(digest, attempt, clock),
                Err(_) => {
                    result =
                        result.map_err(|error| guard.refused(error, Some(digest), attempt, clock));
                }
            }
        }
        if in_clear {
            profile = result.as_ref().ok().map(|client| client.profile().clone());
            let key_id = result.ok().map(|client| client.key_id());
            result = Err(AuthError::SentInClear(SentInClear::new(key_id)));
        }
        self.observers.notify(match &result {
            Ok(client) => Outcome::admitted(client),
            Err(error) => Outcome::refused(error, profile.as_ref()),
        });
        result
    }

    /// Refuses a request without a lookup, because it has no key, or a text that cannot be a key.
    pub(super) fn refuse(&self, error: AuthError, attempt: Attempt<'_>) -> AuthError {
        let error = match &self.guard {
            Some(guard) => guard.refused(error, None, attempt, self.clock.as_ref()),
            None => error,
        };
        self.report(error, attempt)
    }

    /// Reports the refusal of a key that was not looked up. All requests sent in clear get the same refusal, so that a
    /// caller learns nothing about its key.
    pub(super) fn report(&self, error: AuthError, attempt: Attempt<'_>) -> AuthError {
        self.observers.notify_refused(match attempt.subject {
            Subject::RequestInClear => AuthError::SentInClear(SentInClear::new(None)),
            Subject::Request | Subject::Client => error,
        })
    }
}
