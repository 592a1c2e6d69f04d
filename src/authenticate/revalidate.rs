//! Repeats the admission of a client, for connections that outlive its request.

use super::Authenticator;
use super::admit::LookupRequest;
use super::config::Config;
use super::future::{Authenticate, Verification};
use super::guard::{AddressSource, Attempt, Subject};
use crate::client::Client;
use crate::error::AuthError;
use crate::store::{KeyStore, LookupResult, SyncStore};

impl<S: KeyStore, R> Authenticator<S, R> {
    /// Checks a client again that this authenticator admitted: since then, its key may have expired, or may have been
    /// revoked, disabled or restricted. For WebSockets, event streams and other connections that stay open: [the
    /// guide][guide] ends them with one timer.
    ///
    /// The result is the client as it is now, with its current scopes. [`AuthError::WrongCredentials`] means that the key no
    /// longer works. [`AuthError::Unavailable`] says nothing about the key: the store failed. A key with networks is
    /// checked against the address of the request. If it had no networks at that time, it is refused, since the address
    /// was not read.
    ///
    /// Observers and the throttle of wrong keys see no request, and are not called. The future borrows nothing.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use keygate::{AuthError, Authenticator, MemoryStore};
    ///
    /// let store = MemoryStore::new();
    /// let id = store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
    /// let auth = Authenticator::new(store.clone());
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert("x-api-key", "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU".parse()?);
    /// let client = auth.verify(&headers)?;
    /// assert!(auth.revalidate_now(&client).is_ok());
    ///
    /// store.revoke(&id)?;
    /// assert!(matches!(auth.revalidate_now(&client), Err(AuthError::WrongCredentials(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [guide]: crate::guide::sources
    pub fn revalidate(&self, client: &Client) -> Authenticate {
        let request = LookupRequest::of_client(client);
        match self.store.lookup(request.digest).try_ready() {
            Ok(found) => {
                Authenticate(Verification::Decided(self.config().decide_again(client, found)))
            }
            Err(lookup) => {
                let attempt = attempt(client, true);
                Authenticate(Verification::waiting(lookup, request, attempt, &self.config))
            }
        }
    }
}

impl<S: SyncStore, R> Authenticator<S, R> {
    /// Does the same as [`Authenticator::revalidate`] at once, with a store that never waits.
    ///
    /// # Errors
    ///
    /// Why the client is refused now.
    pub fn revalidate_now(&self, client: &Client) -> Result<Client, AuthError> {
        self.config().decide_again(client, self.store.find_local(&client.digest))
    }
}

impl Config {
    fn decide_again(&self, client: &Client, found: LookupResult) -> Result<Client, AuthError> {
        self.decide(LookupRequest::of_client(client), found, attempt(client, false))
    }
}

fn attempt(client: &Client, waited: bool) -> Attempt<'static> {
    let address_source = AddressSource::Address(client.address);
    Attempt { address_source, waited, subject: Subject::Client }
}
