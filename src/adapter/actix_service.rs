use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, forward_ready};
use actix_web::error::InternalError;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use super::ApiKeyMiddleware;
use super::actix_headers::{append, copied, replace, response};
use crate::authenticate::{Authenticate, ForeignHead, Verification};
use crate::client::{Client, Transport};
use crate::credential::Credential;
use crate::error::AuthError;
use crate::respond::{Caching, add_headers, add_warning};
use crate::store::KeyStore;

/// The service that [`ApiKeyMiddleware`] makes.
pub struct ApiKeyMiddlewareService<Next, S> {
    pub(super) next: Rc<Next>,
    pub(super) middleware: Rc<ApiKeyMiddleware<S>>,
}

/// Marks a request that a middleware passed on without a client.
pub(super) struct Anonymous;

/// Marks a response whose refusal an inner middleware has reported and completed.
struct Completed;

impl<Next, S, B> Service<ServiceRequest> for ApiKeyMiddlewareService<Next, S>
where
    Next: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S: KeyStore,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(next);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let (middleware, next) = (Rc::clone(&self.middleware), Rc::clone(&self.next));
        let verification = middleware.verify(&mut request);
        Box::pin(async move {
            let admitted = match middleware.admit(verification).await {
                Ok(admitted) => admitted,
                Err(error) => {
                    let refused = middleware.refuse(&error).map_into_right_body();
                    return Ok(request.into_response(refused));
                }
            };
            if let Some(client) = &admitted.client {
                request.extensions_mut().insert(client.clone());
            } else {
                let mut extensions = request.extensions_mut();
                extensions.remove::<Client>();
                extensions.insert(Anonymous);
            }
            let mut response = match next.call(request).await {
                Ok(response) => response,
                Err(error) => return Err(middleware.complete_error(error, &admitted)),
            };
            middleware.complete(response.response_mut(), &admitted);
            Ok(response.map_into_left_body())
        })
    }
}

/// An admitted request: its client, unless the caller is anonymous, and the headers of its quota.
#[derive(Default)]
struct Admitted {
    client: Option<Client>,
    headers: HeaderMap,
}

impl<S: KeyStore> ApiKeyMiddleware<S> {
    /// Reads and redacts the credential, and begins to verify it. `None` is an anonymous caller.
    fn verify(&self, request: &mut ServiceRequest) -> Option<Authenticate> {
        let config = self.auth.config();
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let peer = request.peer_addr().map(|peer| peer.ip());
        let mut foreign = if config.reads_all() {
            let headers = request.headers().iter();
            let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
            ForeignHead::new(config, headers, Some(target), peer)
        } else {
            let lines = self.headers.lines(request.headers());
            ForeignHead::of_lines(config, lines, Some(target), peer)
        };
        if config.require_tls {
            let is_encrypted = request.app_config().secure();
            foreign.extensions.insert(if is_encrypted { Transport::Tls } else { Transport::Clear });
        }
        if self.optional && matches!(foreign.credential, Ok(Credential::Absent)) {
            let refused = config.admit_anonymous(foreign.head()).err()?;
            return Some(Authenticate(Verification::Decided(Err(refused))));
        }
        self.headers.redact(request.headers_mut());
        Some(self.auth.authenticate_foreign(&foreign))
    }
}

impl<S> ApiKeyMiddleware<S> {
    /// Decides on a request. `None` is an anonymous caller.
    async fn admit(&self, verification: Option<Authenticate>) -> Result<Admitted, AuthError> {
        let Some(verification) = verification else { return Ok(Admitted::default()) };
        let client = verification.await?;
        let headers = match &self.count {
            Some(count) => count(&client).await?,
            None => HeaderMap::new(),
        };
        Ok(Admitted { client: Some(client), headers })
    }

    fn refuse(&self, error: &AuthError) -> HttpResponse {
        let mut refused = response(self.auth.respond_with(&*self.respond, error));
        refused.extensions_mut().insert(Completed);
        refused
    }

    fn complete<B>(&self, response: &mut HttpResponse<B>, admitted: &Admitted) {
        let error = response.error().and_then(Error::as_error::<AuthError>).cloned();
        match error {
            _ if response.extensions().get::<Completed>().is_some() => {}
            Some(error) => self.complete_refusal(response, &error, admitted),
            None => {
                let caching = match &admitted.client {
                    Some(_) => Caching::Private,
                    None => Caching::Vary,
                };
                self.headers.add_caching(response.headers_mut(), caching, self.auth.config());
            }
        }
        self.add_warning(response, admitted);
        append(response.headers_mut(), &admitted.headers);
    }

    /// Completes an error of a service behind the middleware, such as another middleware, that made no response yet.
    #[cold]
    fn complete_error(&self, error: Error, admitted: &Admitted) -> Error {
        let Some(refused) = error.as_error::<AuthError>().cloned() else { return error };
        let mut response = HttpResponse::from_error(error);
        self.complete(&mut response, admitted);
        InternalError::from_response(refused, response).into()
    }

    /// Completes the response to a request that was refused behind the middleware.
    #[cold]
    fn complete_refusal<B>(
        &self,
        response: &mut HttpResponse<B>,
        error: &AuthError,
        admitted: &Admitted,
    ) {
        let config = self.auth.config();
        config.notify_downstream(error, admitted.client.is_none());
        let mut headers = HeaderMap::new();
        add_headers(&mut headers, error, Some(&config.challenges), true);
        response.headers_mut().remove(WWW_AUTHENTICATE.as_str());
        replace(response.headers_mut(), &headers);
        response.extensions_mut().insert(Completed);
    }

    fn add_warning<B>(&self, response: &mut HttpResponse<B>, admitted: &Admitted) {
        let client = admitted.client.as_ref();
        if let Some(warning) = client.and_then(|client| self.auth.config().warning_for(client)) {
            let mut headers = copied(response.headers(), [&warning.0]);
            add_warning(&mut headers, &Some(warning));
            replace(response.headers_mut(), &headers);
        }
    }
}

impl<Next, S> fmt::Debug for ApiKeyMiddlewareService<Next, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyMiddlewareService")
            .field("middleware", &self.middleware)
            .finish_non_exhaustive()
    }
}
