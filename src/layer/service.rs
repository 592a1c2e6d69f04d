use std::task::{Context, Poll};
use std::{fmt, mem};

use http::{Extensions, Request, Response};
use tower_service::Service;

use super::ApiKeyLayer;
use super::completion::{ApiKeyFuture, Completion, Pending, refuse};
use super::future::ResponseFuture;
use crate::authenticate::{Authenticate, RequestHead, Verification};
use crate::client::Client;
use crate::credential::Credential;
use crate::error::{AuthError, Misconfiguration};
use crate::respond::{Caching, Respond, WarningHeader};
use crate::store::KeyStore;

/// The service that [`ApiKeyLayer`](crate::ApiKeyLayer) makes.
pub struct ApiKeyService<Inner, S, R> {
    pub(super) inner: Inner,
    pub(super) layer: ApiKeyLayer<S, R>,
}

/// Marks a request that a layer passed on without credentials, for extractors and layers behind it. They refuse to work
/// on a request that no key layer has seen.
#[derive(Clone, Copy)]
struct Anonymous;

/// Returns the client of a request that passed a key layer; `None` if its caller is anonymous.
///
/// # Errors
///
/// No key layer saw the request.
#[inline]
pub(crate) fn client_of(extensions: &Extensions) -> Result<Option<&Client>, AuthError> {
    match extensions.get::<Client>() {
        None if extensions.get::<Anonymous>().is_none() => {
            Err(AuthError::Misconfigured(Misconfiguration::NoKeyLayer))
        }
        client => Ok(client),
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
    type Future = ApiKeyFuture<Inner, ReqBody, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let credential = self.layer.auth.config().sources.read_and_redact(&mut request);
        if self.layer.options.optional && matches!(credential, Credential::Absent) {
            let config = self.layer.auth.config();
            if let Err(error) = config.admit_anonymous(head_of(&request)) {
                return ResponseFuture::refused(refuse(config, &self.layer.respond, &error));
            }
            // An outer layer or the server may have inserted a `Client`.
            request.extensions_mut().remove::<Client>();
            request.extensions_mut().insert(Anonymous);
            return self.serve(request, Caching::Vary, None);
        }
        if self.layer.options.strip {
            self.strip(&mut request);
        }
        let auth = &self.layer.auth;
        let attempt = auth.config().attempt(Some(head_of(&request)));
        match auth.config.authenticate(&*auth.store, credential, attempt) {
            Verification::Decided(Ok(client)) => {
                let warning = auth.config().warning_for(&client);
                request.extensions_mut().insert(client);
                self.serve(request, Caching::Private, warning)
            }
            Verification::Decided(Err(error)) => {
                let response = refuse(auth.config(), &self.layer.respond, &error);
                ResponseFuture::refused(response)
            }
            pending @ (Verification::Waiting(_) | Verification::Completed) => {
                self.wait(Authenticate(pending), request)
            }
        }
    }
}

#[inline]
fn head_of<B>(request: &Request<B>) -> RequestHead<'_> {
    RequestHead {
        headers: request.headers(),
        uri: Some(request.uri()),
        extensions: Some(request.extensions()),
        peer: None,
    }
}

impl<Inner, S, R> ApiKeyService<Inner, S, R> {
    // Not inlined, so that the inner service writes its future where it stays: copying it costs 10 ns.
    #[inline(never)]
    fn serve<ReqBody>(
        &mut self,
        request: Request<ReqBody>,
        caching: Caching,
        warning: WarningHeader,
    ) -> ApiKeyFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>>,
    {
        ResponseFuture::running(self.inner.call(request), self.completion(caching, warning))
    }

    #[cold]
    fn wait<ReqBody>(
        &mut self,
        authenticate: Authenticate,
        request: Request<ReqBody>,
    ) -> ApiKeyFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>> + Clone,
        R: Clone,
    {
        let completion = self.completion(Caching::Private, None);
        let pending = Pending { authenticate, respond: self.layer.respond.clone(), completion };
        ResponseFuture::waiting(pending, &mut self.inner, request)
    }

    fn completion(&self, caching: Caching, warning: WarningHeader) -> Completion {
        let anonymous = match caching {
            Caching::Vary => true,
            Caching::Private | Caching::Unchanged => false,
        };
        let unchanged = self.layer.options.without_cache_fields;
        let caching = if unchanged { Caching::Unchanged } else { caching };
        Completion { config: self.layer.auth.config.clone(), caching, anonymous, warning }
    }

    fn strip<B>(&self, request: &mut Request<B>) {
        let mut uri = mem::take(request.uri_mut());
        self.layer.auth.config().sources.strip(request.headers_mut(), &mut uri);
        *request.uri_mut() = uri;
    }
}

impl<Inner: Clone, S, R: Clone> Clone for ApiKeyService<Inner, S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<Inner, S, R> fmt::Debug for ApiKeyService<Inner, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyService").field("layer", &self.layer).finish_non_exhaustive()
    }
}
