//! The verifying methods of an authenticator. Each passes a request head or a key to the configuration.

use std::net::IpAddr;

use http::HeaderMap;
use http::request::Parts;

use super::Authenticator;
use super::admit::LookupRequest;
use super::config::{Config, SharedConfig};
use super::future::{Authenticate, Verification};
use super::guard::{AddressSource, Attempt, Subject};
use super::head::RequestHead;
use crate::client::{Client, ClientAddress, Transport};
use crate::credential::Credential;
use crate::error::{AuthError, Misconfiguration};
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

    /// Verifies a key that did not come in the head of a request, but in a WebSocket message, for example, or in a
    /// command-line tool.
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
        let config = self.config();
        let credential = config.sources.credential(key);
        Authenticate(self.config.authenticate(&self.store, credential, config.attempt(None)))
    }

    /// Verifies a key that did not come in the head of a request, of a client at this address: in a form, for example. A
    /// key that is restricted to networks is compared with the address. The future borrows nothing.
    ///
    /// `address` is that of the client, as the service has worked it out:
    /// [`TrustedProxies::client`](crate::client::TrustedProxies::client) does it behind proxies.
    ///
    /// ```
    /// use keygate::{Authenticator, ClientProfile, MemoryStore, NewKey};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = MemoryStore::new();
    /// store.add_client(ClientProfile::new("App 1").with_networks(["10.0.0.0/8".parse()?]))?;
    /// let key = keygate::ApiKey::generate("kg")?;
    /// store.issue("App 1", NewKey::from(&key))?;
    /// let auth = Authenticator::new(store);
    ///
    /// let key = key.expose().as_bytes();
    /// assert!(auth.authenticate_key_from(key, "10.1.2.3".parse()?).await.is_ok());
    /// assert!(auth.authenticate_key_from(key, "192.0.2.1".parse()?).await.is_err());
    /// # Ok(())
    /// # }
    /// # futures_util::FutureExt::now_or_never(run()).unwrap().unwrap();
    /// ```
    pub fn authenticate_key_from(&self, key: &[u8], address: IpAddr) -> Authenticate {
        let config = self.config();
        let address_source = AddressSource::Address(Some(address));
        let attempt = config.attempt(None).map(|attempt| Attempt { address_source, ..attempt });
        let credential = config.sources.credential(key);
        Authenticate(self.config.authenticate(&self.store, credential, attempt))
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
        match self.attempt(Some(head)) {
            Ok(attempt) => self.refuse(error, attempt),
            Err(error) => error,
        }
    }

    #[inline]
    pub(super) fn verify<S: SyncStore + ?Sized>(
        &self,
        store: &S,
        credential: Credential,
        head: Option<RequestHead<'_>>,
    ) -> Result<Client, AuthError> {
        let attempt = self.attempt(head)?;
        match LookupRequest::new(credential) {
            Ok(request) => self.decide(request, store.find_local(&request.digest), attempt),
            Err(error) => Err(self.refuse(error, attempt)),
        }
    }

    /// Begins the decision on a request.
    ///
    /// # Errors
    ///
    /// TLS is required, and nothing reports whether the request was encrypted.
    #[inline]
    pub(crate) fn attempt<'a>(
        &'a self,
        head: Option<RequestHead<'a>>,
    ) -> Result<Attempt<'a>, AuthError> {
        let address_source = AddressSource::new(head, self.client_address.as_ref());
        let in_clear = self.require_tls && self.is_in_clear(head)?;
        let subject = if in_clear { Subject::RequestInClear } else { Subject::Request };
        Ok(Attempt { address_source, waited: false, subject })
    }

    #[cold]
    fn is_in_clear(&self, head: Option<RequestHead<'_>>) -> Result<bool, AuthError> {
        let transport = head.and_then(|RequestHead { headers, uri: _, extensions, peer }| {
            ClientAddress::transport(self.client_address.as_ref(), headers, extensions, peer)
        });
        transport.map(|transport| transport == Transport::Clear).ok_or_else(|| {
            let error = AuthError::Misconfigured(Misconfiguration::NoTransport);
            self.observers.notify_refused(error)
        })
    }

    /// Admits a request without credentials as anonymous, unless it was sent in clear.
    #[cfg(any(feature = "tower", feature = "actix-web-4"))]
    pub(crate) fn admit_anonymous(&self, head: RequestHead<'_>) -> Result<(), AuthError> {
        let attempt = self.attempt(Some(head))?;
        if attempt.subject == Subject::Request {
            return Ok(());
        }
        Err(self.refuse(AuthError::NoCredentials, attempt))
    }
}

impl SharedConfig {
    pub(super) fn authenticate_head<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        head: RequestHead<'_>,
    ) -> Authenticate {
        let config = self.get();
        let credential = config.sources.read(head.headers, head.uri);
        Authenticate(self.authenticate(store, credential, config.attempt(Some(head))))
    }

    /// Decides at once if the store does not wait, or if the attempt was refused when it began.
    #[inline]
    pub(crate) fn authenticate<S: KeyStore + ?Sized>(
        &self,
        store: &S,
        credential: Credential,
        attempt: Result<Attempt<'_>, AuthError>,
    ) -> Verification {
        let config = self.get();
        let mut attempt = match attempt {
            Ok(attempt) => attempt,
            Err(error) => return Verification::Decided(Err(error)),
        };
        let request = match LookupRequest::new(credential) {
            Ok(request) => request,
            Err(error) => return Verification::Decided(Err(config.refuse(error, attempt))),
        };
        if let Some(guard) = &config.guard {
            let address_source = attempt.address_source;
            match guard.before_lookup(request.digest, address_source, config.clock.as_ref()) {
                Ok(address_source) => attempt.address_source = address_source,
                Err(error) => return Verification::Decided(Err(config.report(error, attempt))),
            }
        }
        match store.lookup(request.digest).try_ready() {
            Ok(found) => Verification::Decided(config.decide(request, found, attempt)),
            Err(lookup) => self.wait(lookup, request, attempt),
        }
    }

    #[cold]
    fn wait(&self, lookup: Lookup, request: LookupRequest, attempt: Attempt<'_>) -> Verification {
        let config = self.get();
        let address_source = attempt.address_source;
        let address = match &config.guard {
            Some(guard) => {
                guard.before_waiting(request.digest, address_source, config.clock.as_ref())
            }
            // The head is not kept, so the address is read now: the key may turn out to be restricted to networks.
            None => Ok(address_source.address().map(IpAddr::from)),
        };
        let address_source = match address {
            Ok(address) => AddressSource::Address(address),
            Err(error) => return Verification::Decided(Err(config.report(error, attempt))),
        };
        let attempt = Attempt { address_source, waited: true, subject: attempt.subject };
        Verification::waiting(lookup, request, attempt, self)
    }
}
