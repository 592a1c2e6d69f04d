//! The way through an authenticator that slows down wrong keys.

use std::sync::Arc;

use http::Extensions;

use super::Authenticate;
use super::admit::{LookupRequest, now};
use super::caller::Caller;
use super::config::Config;
use crate::client::Client;
use crate::credential::Credential;
use crate::error::AuthError;
use crate::limit::{Address, Failures};
use crate::store::{Answer, KeyStore, SyncStore};

/// What is needed to count a wrong key when the store has answered.
pub(super) struct Guard {
    pub(super) failures: Arc<Failures>,
    pub(super) address: Address,
}

impl Caller<'_> {
    fn address(self, failures: &Failures) -> Address {
        match self {
            Self::Unseen => None,
            Self::Headers(headers) => failures.address(headers, &Extensions::new()),
            Self::Request(headers, extensions) => failures.address(headers, extensions),
        }
    }
}

impl Config {
    #[inline(never)]
    pub(super) fn check_guarded<S: SyncStore + ?Sized>(
        &self,
        failures: &Failures,
        store: &S,
        credential: Credential,
        caller: Caller<'_>,
    ) -> Result<Client, AuthError> {
        match LookupRequest::of(credential) {
            Ok(asked) => {
                self.settle_guarded(failures, asked, store.find_local(&asked.digest), caller)
            }
            Err(error) => Err(self.observers.notify_refused(self.counted(failures, error, caller))),
        }
    }

    #[inline(never)]
    pub(super) fn decide_guarded<S: KeyStore + ?Sized>(
        &self,
        failures: &Arc<Failures>,
        store: &S,
        credential: Credential,
        caller: Caller<'_>,
    ) -> Result<Result<Client, AuthError>, Authenticate> {
        let asked = match LookupRequest::of(credential) {
            Ok(asked) => asked,
            Err(error) => {
                return Ok(Err(self
                    .observers
                    .notify_refused(self.counted(failures, error, caller))));
            }
        };
        let refused =
            |address| failures.refuse_unasked(asked.digest, address, now(self.clock.as_ref()));
        // Known beforehand of most stores; of others, the lookup says so.
        let waits = failures.store_waits();
        let asked_for = waits.then(|| caller.address(failures));
        if let Some(error) = asked_for.and_then(refused) {
            return Ok(Err(self.observers.notify_refused(error)));
        }
        match store.lookup(asked.digest).try_ready() {
            Ok(answer) => {
                if answer.is_ok() {
                    failures.note_answer();
                }
                Ok(self.settle_guarded(failures, asked, answer, caller))
            }
            Err(lookup) => {
                failures.note_wait();
                let address = asked_for.unwrap_or_else(|| caller.address(failures));
                if !waits && let Some(error) = refused(address) {
                    return Ok(Err(self.observers.notify_refused(error)));
                }
                let guard = Guard { failures: Arc::clone(failures), address };
                Err(self.wait(lookup, asked, Some(guard)))
            }
        }
    }

    fn settle_guarded(
        &self,
        failures: &Failures,
        asked: LookupRequest,
        answer: Answer,
        caller: Caller<'_>,
    ) -> Result<Client, AuthError> {
        let counted = |error| self.counted(failures, error, caller);
        let result = asked.admit_and_notify(answer, self.clock.as_ref(), &self.observers, counted);
        failures.note_verdict(asked.digest, &result, || now(self.clock.as_ref()));
        result
    }

    fn counted(&self, failures: &Failures, error: AuthError, caller: Caller<'_>) -> AuthError {
        failures.count(error, || caller.address(failures), || now(self.clock.as_ref()))
    }
}
