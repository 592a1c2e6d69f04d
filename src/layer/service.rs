use std::fmt;
use std::mem::{self, ManuallyDrop};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::Options;
use super::caching::Caching;
use super::future::{Finish, ResponseFuture};
use crate::authenticate::{Authenticate, Authenticator, Caller};
use crate::client::Client;
use crate::credential::Credential;
use crate::error::AuthError;
use crate::respond::Respond;
use crate::store::KeyStore;

/// The service that [`ApiKeyLayer`](crate::ApiKeyLayer) makes.
pub struct ApiKeyService<Inner, S, R> {
    inner: Inner,
    auth: Arc<Authenticator<S>>,
    respond: R,
    options: Options,
}

/// Left in the extensions of a request that was let through without credentials, so that an
/// extractor can tell it from a request that no layer has seen.
#[derive(Clone, Copy)]
pub(crate) struct Anonymous;

impl<Inner, S, R> ApiKeyService<Inner, S, R> {
    pub(super) fn new(
        inner: Inner,
        auth: Arc<Authenticator<S>>,
        respond: R,
        options: Options,
    ) -> Self {
        Self { inner, auth, respond, options }
    }
}

impl<Inner, S, R, ReqBody, ResBody> Service<Request<ReqBody>> for ApiKeyService<Inner, S, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    S: KeyStore,
    R: Respond<ResBody> + Clone,
{
    type Response = Response<ResBody>;
    type Error = Inner::Error;
    type Future = ResponseFuture<Inner, ReqBody, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline(never)]
    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match self.decide(&mut request) {
            Decision::Serve(caching) => self.serve(request, caching),
            Decision::Refuse(error) => self.refuse(&error),
            Decision::Wait(authenticate) => self.park(authenticate, request),
        }
    }
}

impl<Inner, S, R> ApiKeyService<Inner, S, R> {
    /// Small and on its own, so that the future of the inner service is written where it stays. Were
    /// `finish` to be dropped when the service panics, it would be written elsewhere and copied, which
    /// costs 10 ns; so a panic keeps the rules in memory instead.
    #[inline(never)]
    fn serve<ReqBody>(
        &mut self,
        request: Request<ReqBody>,
        caching: Caching,
    ) -> ResponseFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>>,
    {
        let finish = ManuallyDrop::new(self.finish(caching));
        ResponseFuture::running(self.inner.call(request), ManuallyDrop::into_inner(finish))
    }

    #[inline(never)]
    fn refuse<ReqBody, ResBody>(&self, error: &AuthError) -> ResponseFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
        R: Respond<ResBody>,
    {
        ResponseFuture::refused(self.auth.rules().refuse(&self.respond, error))
    }

    #[inline(never)]
    fn park<ReqBody>(
        &mut self,
        authenticate: Authenticate,
        request: Request<ReqBody>,
    ) -> ResponseFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>> + Clone,
        R: Clone,
    {
        // The instance that was polled ready is the one that is called.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let finish = self.finish(Caching::Private);
        ResponseFuture::parked(authenticate, ready, request, self.respond.clone(), finish)
    }

    fn finish(&self, caching: Caching) -> Finish {
        let anonymous = matches!(caching, Caching::Varying);
        let as_said = self.options.without_cache_fields;
        let caching = if as_said { Caching::AsTheServiceSays } else { caching };
        Finish { rules: self.auth.rules().clone(), caching, anonymous }
    }
}

/// The decision on a request.
enum Decision {
    /// Pass it to the inner service, and limit the caching of its response.
    Serve(Caching),
    Refuse(AuthError),
    Wait(Authenticate),
}

impl<Inner, S: KeyStore, R> ApiKeyService<Inner, S, R> {
    #[inline]
    fn decide<B>(&self, request: &mut Request<B>) -> Decision {
        let credential = self.credential(request);
        if self.options.optional && matches!(credential, Credential::Absent) {
            request.extensions_mut().remove::<Client>();
            request.extensions_mut().insert(Anonymous);
            return Decision::Serve(Caching::Varying);
        }
        if self.options.strip {
            self.strip(request);
        }
        let caller = Caller::Request(request.headers(), request.extensions());
        match self.auth.decide(credential, caller) {
            Ok(Ok(client)) => {
                // Also replaces a `Client` that something before this layer put there.
                request.extensions_mut().insert(client);
                Decision::Serve(Caching::Private)
            }
            Ok(Err(error)) => Decision::Refuse(error),
            Err(authenticate) => Decision::Wait(authenticate),
        }
    }

    #[inline]
    fn credential<B>(&self, request: &mut Request<B>) -> Credential {
        let sources = self.auth.rules().sources();
        if !sources.read_uri() {
            return sources.read_and_redact(request.headers_mut(), None);
        }
        let uri = mem::take(request.uri_mut());
        let credential = sources.read_and_redact(request.headers_mut(), Some(&uri));
        *request.uri_mut() = uri;
        credential
    }

    fn strip<B>(&self, request: &mut Request<B>) {
        let mut uri = mem::take(request.uri_mut());
        self.auth.rules().sources().strip(request.headers_mut(), &mut uri);
        *request.uri_mut() = uri;
    }
}

impl<Inner: Clone, S, R: Clone> Clone for ApiKeyService<Inner, S, R> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            auth: Arc::clone(&self.auth),
            respond: self.respond.clone(),
            options: self.options,
        }
    }
}

impl<Inner, S, R> fmt::Debug for ApiKeyService<Inner, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyService")
            .field("auth", &self.auth)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
