use super::config::Config;
use super::guard::{AddressSource, Attempt};
use crate::client::{Client, ClientProfile};
use crate::clock::{self, Clock};
use crate::credential::Credential;
use crate::error::{AuthError, Misconfiguration, StoreError, WrongReason};
use crate::key::{KeyDigest, KeyState, Lifetime, PackedStatus, Validity};
use crate::observe::Outcome;
use crate::store::LookupResult;

/// A key that was read from a request, to be looked up.
#[derive(Clone, Copy)]
pub(super) struct LookupRequest {
    pub(super) digest: KeyDigest,
    by_bearer: bool,
}

impl LookupRequest {
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
    // Always inlined, so that record and client stay in registers.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    fn admit(
        self,
        found: LookupResult,
        address_source: AddressSource<'_>,
        clock: Option<&Clock>,
    ) -> Result<Client, AuthError> {
        let record = match found {
            Ok(Some(record)) => record,
            Ok(None) => return Err(AuthError::wrong(WrongReason::Unknown, None, self.by_bearer)),
            Err(error) => return Err(AuthError::Unavailable(error)),
        };
        let (digest, profile, status) = record.into_parts();
        // A store or cache that returns the wrong row is a fault and must admit nobody.
        if digest != self.digest {
            return Err(AuthError::Unavailable(StoreError::wrong_record()));
        }
        let key_id = digest.key_id();
        // Most keys are active, never expire and have no restrictions: two comparisons.
        if status.is_clear() && !profile.is_restricted() {
            return Ok(Client::new(profile, key_id, status, self.by_bearer));
        }
        match refusal(&profile, status, address_source, clock) {
            None => Ok(Client::new(profile, key_id, status, self.by_bearer)),
            Some(Refused::Wrong(reason)) => {
                Err(AuthError::wrong(reason, Some(key_id), self.by_bearer))
            }
            Some(Refused::NoAddress) => {
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

fn refusal(
    profile: &ClientProfile,
    status: PackedStatus,
    address_source: AddressSource<'_>,
    clock: Option<&Clock>,
) -> Option<Refused> {
    let wrong = match status.state() {
        KeyState::Active => lapse(profile.lifetime(status.expires()), clock),
        KeyState::Revoked => Some(WrongReason::Revoked),
        KeyState::Disabled => Some(WrongReason::Disabled),
    };
    if let Some(reason) = wrong {
        return Some(Refused::Wrong(reason));
    }
    let networks = profile.allowed_networks()?;
    match address_source.address() {
        Some(address) if networks.iter().any(|network| network.contains(address)) => None,
        Some(_) => Some(Refused::Wrong(WrongReason::Network)),
        None => Some(Refused::NoAddress),
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
    /// Decides on a key that was looked up. Every entrance ends here.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(super) fn decide(
        &self,
        request: LookupRequest,
        found: LookupResult,
        attempt: Attempt<'_>,
    ) -> Result<Client, AuthError> {
        if self.guard.is_none() && self.observers.is_empty() {
            return request.admit(found, attempt.address_source, self.clock.as_ref());
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
        let record = found.as_ref().ok().and_then(Option::as_ref);
        // The record of another key must not name a client.
        let record = record.filter(|record| record.digest() == request.digest);
        // For an unrestricted key, the admitted client has the profile.
        let record = record.filter(|record| !record.is_unrestricted());
        let profile = record.map(|record| record.profile().clone());
        let mut result = request.admit(found, attempt.address_source, clock);
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
        self.observers.notify(match &result {
            Ok(client) => Outcome::admitted(client),
            Err(error) => Outcome::refused(error, profile.as_ref()),
        });
        result
    }

    /// Refuses a request without a lookup: it has no key, or a text that cannot be a key.
    pub(super) fn refuse(&self, error: AuthError, attempt: Attempt<'_>) -> AuthError {
        let error = match &self.guard {
            Some(guard) => guard.refused(error, None, attempt, self.clock.as_ref()),
            None => error,
        };
        self.observers.notify_refused(error)
    }
}
