//! The entrances of an authenticator. Each passes a request head or a key on to the configuration.

use http::HeaderMap;
use http::request::Parts;

use super::Authenticator;
use super::admit::LookupRequest;
use super::config::{Config, SharedConfig};
use super::future::{Authenticate, Verification};
use super::guard::{AddressSource, Attempt};
use super::head::RequestHead;
use crate::client::Client;
use crate::credential::Credential;
use crate::error::AuthError;
use crate::store::{KeyStore, Lookup, SyncStore};

impl<S: SyncStore, R> Authenticator<S, R> {
    /// Verifies the head of a request.
    ///
    /// # Errors
    ///
    /// Why the request is refused.
    pub fn verify_parts(&self, parts: &Parts) -> Result<Client, AuthError> {
        self.config().verify_head(&self.store, parts.into())
    }

    /// Verifies a key that did not come in the head of a request: in a WebSocket message, in the header type of another
    /// HTTP stack, in a tool.
    ///
    /// # Errors
    ///
    /// Why the key is refused. A blank key is [`AuthError::NoCredentials`].
    pub fn verify_key(&self, key: &[u8]) -> Result<Client, AuthError> {
        let config = self.config();
        config.verify(&self.store, config.sources.credential(key), None)
    }
}

impl<S: SyncStore> Authenticator<S> {
    /// Verifies the headers of a request.
    ///
    /// # Errors
    ///
    /// Why the request is refused.
    pub fn verify(&self, headers: &HeaderMap) -> Result<Client, AuthError> {
        self.config().verify_head(&self.store, headers.into())
    }
}

impl<S: KeyStore, R> Authenticator<S, R> {
    /// Verifies the head of a request. The future borrows nothing.
    pub fn authenticate_parts(&self, parts: &Parts) -> Authenticate {
        self.config.authenticate_head(&self.store, parts.into())
    }

    /// Verifies a key that did not come in the head of a request. The future borrows nothing.
    pub fn authenticate_key(&self, key: &[u8]) -> Authenticate {
        let credential = self.config().sources.credential(key);
        Authenticate(self.config.authenticate(&self.store, credential, None))
    }
}

impl<S: KeyStore> Authenticator<S> {
    /// Verifies the headers of a request. The future borrows nothing.
    pub fn authenticate(&self, headers: &HeaderMap) -> Authenticate {
        self.config.authenticate_head(&self.store, headers.into())
    }
}

impl Config {
    pub(super) fn verify_head<S: SyncStore + ?Sized>(
        &self,
        store: &S,
        head: RequestHead<'_>,
    ) -> Result<Client, AuthError> {
        self.verify(store, self.sources.read(head.headers, head.uri), Some(head))
    }

    /// Refuses a request without reading a credential from it.
    pub(super) fn refuse_head(&self, error: AuthError, head: RequestHead<'_>) -> AuthError {
        let address_source = AddressSource::new(Some(head), self.client_address.as_ref());
        self.refuse(error, Attempt { address_source, waited: false })
    }

    #[inline]
    pub(super) fn verify<S: SyncStore + ?Sized>(
        &self,
        store: &S,
        credential: Credential,
        head: Option<RequestHead<'_>>,
    ) -> Result<Client, AuthError> {
        let address_source = AddressSource::new(head, self.client_address.as_ref());
        let attempt = Attempt { address_source, waited: false };
        match LookupRequest::new(credential) {
            Ok(request) => self.decide(request, store.find_local(&request.digest), attempt),
            Err(error) => Err(self.refuse(error, attempt)),
        }
    }
}

impl SharedConfig {
    pub(super) fn authenticate_head<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        head: RequestHead<'_>,
    ) -> Authenticate {
        let credential = self.get().sources.read(head.headers, head.uri);
        Authenticate(self.authenticate(store, credential, Some(head)))
    }

    /// Decides at once if the store does not wait.
    #[inline]
    pub(crate) fn authenticate<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        credential: Credential,
        head: Option<RequestHead<'_>>,
    ) -> Verification {
        let config = self.get();
        let address_source = AddressSource::new(head, config.client_address.as_ref());
        let mut attempt = Attempt { address_source, waited: false };
        let request = match LookupRequest::new(credential) {
            Ok(request) => request,
            Err(error) => return Verification::Decided(Err(config.refuse(error, attempt))),
        };
        if let Some(guard) = &config.guard {
            match guard.before_lookup(request.digest, address_source, config.clock.as_ref()) {
                Ok(address_source) => attempt.address_source = address_source,
                Err(error) => {
                    return Verification::Decided(Err(config.observers.notify_refused(error)));
                }
            }
        }
        match store.lookup(request.digest).try_ready() {
            Ok(found) => Verification::Decided(config.decide(request, found, attempt)),
            Err(lookup) => self.wait(lookup, request, attempt.address_source),
        }
    }

    #[cold]
    fn wait(
        &self,
        lookup: Lookup,
        request: LookupRequest,
        address_source: AddressSource<'_>,
    ) -> Verification {
        let config = self.get();
        let Some(guard) = &config.guard else {
            // The head is not kept. The key may turn out to be restricted to networks.
            let address = address_source.address();
            return Verification::waiting(lookup, request, address, self);
        };
        match guard.before_waiting(request.digest, address_source, config.clock.as_ref()) {
            Ok(address) => Verification::waiting(lookup, request, address, self),
            Err(error) => Verification::Decided(Err(config.observers.notify_refused(error))),
        }
    }
}
