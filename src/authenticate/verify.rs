//! The methods of an authenticator that verify. Each only says what it reads; what is read goes one
//! way, through `Config`.

use http::HeaderMap;
use http::request::Parts;

use super::{Authenticate, Authenticator, Caller};
use crate::client::Client;
#[cfg(feature = "tower")]
use crate::credential::Credential;
use crate::error::AuthError;
use crate::store::{KeyStore, SyncStore};

impl<S: SyncStore, R> Authenticator<S, R> {
    /// Verifies the head of a request.
    ///
    /// # Errors
    ///
    /// Why the request is not to be let in.
    pub fn verify_parts(&self, parts: &Parts) -> Result<Client, AuthError> {
        let caller = Caller::Request(&parts.headers, &parts.extensions);
        self.rules.verify(&self.store, &parts.headers, Some(&parts.uri), caller)
    }

    /// Verifies a key that was found in some other way: in a message of a WebSocket, in a stack with
    /// header types of its own, in a tool.
    ///
    /// # Errors
    ///
    /// Why the key is not valid. A blank key is [`AuthError::NoCredentials`].
    pub fn verify_key(&self, key: &[u8]) -> Result<Client, AuthError> {
        self.rules.check(&self.store, self.rules.sources.credential(key), Caller::Unseen)
    }
}

impl<S: SyncStore> Authenticator<S> {
    /// Verifies the headers of a request.
    ///
    /// # Errors
    ///
    /// Why the request is not to be let in.
    pub fn verify(&self, headers: &HeaderMap) -> Result<Client, AuthError> {
        self.rules.verify(&self.store, headers, None, Caller::Headers(headers))
    }
}

impl<S: KeyStore, R> Authenticator<S, R> {
    /// Verifies the head of a request; the future borrows nothing.
    pub fn authenticate_parts(&self, parts: &Parts) -> Authenticate {
        let caller = Caller::Request(&parts.headers, &parts.extensions);
        self.rules.authenticate(&self.store, &parts.headers, Some(&parts.uri), caller)
    }

    /// Verifies a key that was found in some other way; the future borrows nothing.
    pub fn authenticate_key(&self, key: &[u8]) -> Authenticate {
        self.rules.ask(&self.store, self.rules.sources.credential(key), Caller::Unseen)
    }

    /// What the layer asks: the decision, or the future of it where the store has to wait.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn decide(
        &self,
        credential: Credential,
        caller: Caller<'_>,
    ) -> Result<Result<Client, AuthError>, Authenticate> {
        self.rules.decide(&self.store, credential, caller)
    }
}

impl<S: KeyStore> Authenticator<S> {
    /// Verifies the headers of a request; the future borrows nothing.
    pub fn authenticate(&self, headers: &HeaderMap) -> Authenticate {
        self.rules.authenticate(&self.store, headers, None, Caller::Headers(headers))
    }
}
