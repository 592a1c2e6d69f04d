//! For HTTP stacks without the tower layer, which does these things by itself.

use std::net::IpAddr;

use http::Response;
use http::header::HeaderMap;

use super::Authenticator;
use super::foreign::ForeignHead;
use super::future::{Authenticate, Verification};
use crate::client::Client;
use crate::error::AuthError;
use crate::respond::{Caching, ProblemJson, Refusal, Respond, add_headers, add_warning, refusal};
use crate::store::{KeyStore, SyncStore};

/// For HTTP stacks without the tower layer, which does these things by itself.
impl<S, R> Authenticator<S, R> {
    /// Marks the headers that carry credentials as sensitive, so that their `Debug` hides them.
    pub fn redact(&self, headers: &mut HeaderMap) {
        self.config().sources.redact(headers);
    }

    /// Makes the response to a refused request: problem details (RFC 9457) with the challenges,
    /// `Cache-Control: no-store` and, where it applies, `Retry-After`.
    ///
    /// The error is in the extensions of the response. Observers are notified as by [`Authenticator::finish_refusal`].
    pub fn respond<B>(&self, error: &AuthError) -> Response<B>
    where
        ProblemJson: Respond<B>,
    {
        self.respond_with(&ProblemJson, error)
    }

    /// Makes the same response as [`Authenticator::respond`] with another body.
    pub fn respond_with<B>(
        &self,
        respond: &(impl Respond<B> + ?Sized),
        error: &AuthError,
    ) -> Response<B> {
        let mut response = refusal(respond, error, Some(&self.config().challenges));
        if let Some(client) = error.client() {
            add_warning(response.headers_mut(), &self.config().warning_for(client));
        }
        if !self.config().observers.is_empty() && self.config().notify_downstream(error, false) {
            Refusal::of(&mut response).notified = true;
        }
        response
    }

    /// Makes the response to a verified request: that of `handler`, completed by [`Authenticator::finish_response`], or that
    /// of [`Authenticator::respond`] if the request or the handler is refused.
    ///
    /// ```
    /// use http::{HeaderMap, Response};
    /// use keygate::{Authenticator, MemoryStore};
    ///
    /// let auth = Authenticator::new(MemoryStore::new());
    /// let response = auth.respond_to(auth.verify(&HeaderMap::new()), |client| {
    ///     client.require("orders:read")?;
    ///     Ok(Response::new(format!("Hello, {}", client.name())))
    /// });
    /// assert_eq!(response.status(), 401);
    /// ```
    pub fn respond_to<B>(
        &self,
        verified: Result<Client, AuthError>,
        handler: impl FnOnce(&Client) -> Result<Response<B>, AuthError>,
    ) -> Response<B>
    where
        ProblemJson: Respond<B>,
    {
        let response = verified.and_then(|client| {
            let mut response = handler(&client)?;
            self.finish_response(response.headers_mut(), &client);
            Ok(response)
        });
        response.unwrap_or_else(|error| self.respond(&error))
    }

    /// Completes the headers of the response to an admitted request: `Vary`, `Cache-Control: private` unless it is set,
    /// and the header of [`Authenticator::warn_before`].
    ///
    /// If your stack has its own header type, pass a map with the response's `Vary` and `Cache-Control`, or an empty
    /// map, and copy the map's headers to the response afterwards.
    pub fn finish_response(&self, headers: &mut HeaderMap, client: &Client) {
        Caching::Private.apply(headers, &self.config().sources);
        add_warning(headers, &self.config().warning_for(client));
    }

    /// Completes the headers of the response to any refused request: the challenges, `Cache-Control: no-store`,
    /// `Retry-After` and the RateLimit headers, where each applies.
    ///
    /// It also notifies the observers of a refusal that was decided after the key was verified, such as a missing scope
    /// or a spent quota. Other refusals were reported when they were decided. So call it once for each refused request.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use keygate::{Authenticator, MemoryStore};
    ///
    /// let store = MemoryStore::from_keys([("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")])?;
    /// let auth = Authenticator::new(store);
    /// let client = auth.verify_key(b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU")?;
    ///
    /// let error = client.require("orders:write").unwrap_err();
    /// let mut headers = HeaderMap::new();
    /// auth.finish_refusal(&mut headers, &error);
    /// assert_eq!(headers["cache-control"], "no-store");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn finish_refusal(&self, headers: &mut HeaderMap, error: &AuthError) {
        let config = self.config();
        add_headers(headers, error, Some(&config.challenges), false);
        if let Some(client) = error.client() {
            add_warning(headers, &config.warning_for(client));
        }
        if !config.observers.is_empty() {
            config.notify_downstream(error, false);
        }
    }
}

impl<S: SyncStore, R> Authenticator<S, R> {
    /// Verifies a request of an HTTP stack that does not use the header types of `http` 1.
    ///
    /// `headers` are all headers of the request, each line by itself. `uri` is the target of the request, as in the
    /// request line; only [`Source::query`](crate::Source::query) needs it. `peer` is the address of the connection's
    /// other end, for [`ClientAddress::peer`](crate::client::ClientAddress::peer).
    ///
    /// ```
    /// use keygate::{AuthError, Authenticator, MemoryStore};
    ///
    /// let store = MemoryStore::from_keys([("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")])?;
    /// let auth = Authenticator::new(store);
    ///
    /// let headers = [("Host", &b"example.org"[..]), ("X-Api-Key", b"08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU")];
    /// assert_eq!(auth.verify_headers(headers, None, None)?.name(), "User 1");
    ///
    /// // Copy a refusal into a response of the stack.
    /// let error = auth.verify_headers([], None, None).unwrap_err();
    /// let response = auth.respond::<String>(&error);
    /// assert_eq!(response.status(), 401);
    /// assert!(response.headers().contains_key("www-authenticate"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Why the request is refused. If a source is in the query, a request without `uri` is
    /// [`AuthError::Misconfigured`]. A URI that cannot be parsed is refused as a malformed key, and so is a control
    /// character in a header that the decision depends on.
    pub fn verify_headers<'h>(
        &self,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        uri: Option<&str>,
        peer: Option<IpAddr>,
    ) -> Result<Client, AuthError> {
        let config = self.config();
        let foreign = ForeignHead::new(config, headers, uri, peer);
        match foreign.credential {
            Ok(credential) => config.verify(&self.store, credential, Some(foreign.head())),
            Err(ref error) => Err(config.refuse_head(error.clone(), foreign.head())),
        }
    }
}

impl<S: KeyStore, R> Authenticator<S, R> {
    /// Does the same as [`Authenticator::verify_headers`] for a store that may wait. The future borrows nothing.
    pub fn authenticate_headers<'h>(
        &self,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        uri: Option<&str>,
        peer: Option<IpAddr>,
    ) -> Authenticate {
        let foreign = ForeignHead::new(self.config(), headers, uri, peer);
        self.authenticate_foreign(&foreign)
    }

    pub(crate) fn authenticate_foreign(&self, foreign: &ForeignHead) -> Authenticate {
        Authenticate(match &foreign.credential {
            Ok(credential) => {
                let attempt = self.config().attempt(Some(foreign.head()));
                self.config.authenticate(&self.store, *credential, attempt)
            }
            Err(error) => {
                let error = self.config().refuse_head(error.clone(), foreign.head());
                Verification::Decided(Err(error))
            }
        })
    }
}
