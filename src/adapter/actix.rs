use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError};
use http::HeaderMap;

use super::actix_headers::{SourceHeaders, response, status};
use super::actix_service::{Anonymous, ApiKeyMiddlewareService};
use crate::authenticate::Authenticator;
use crate::client::Client;
use crate::error::{AuthError, Misconfiguration};
use crate::respond::{Challenges, ProblemJson, Respond, refusal};
use crate::store::KeyStore;

/// Middleware for actix-web, the counterpart of [`ApiKeyLayer`](crate::ApiKeyLayer): it admits requests with a valid
/// key, puts the [`Client`] into their extensions, and refuses other requests.
///
/// A handler takes a [`Client`] as an argument, and can return an [`AuthError`] with `?`. `HttpServer::new` calls its
/// closure once per worker, so create the middleware outside of it: all workers then share its throttles.
///
/// ```
/// use actix_web::{App, web};
/// use keygate::adapter::ApiKeyMiddleware;
/// use keygate::{Client, MemoryStore};
///
/// async fn greet(client: Client) -> String {
///     format!("Hello, {}", client.name())
/// }
///
/// let keys = ApiKeyMiddleware::new(MemoryStore::new());
/// // HttpServer::new(move || ...)
/// let app = move || App::new().service(web::resource("/route1").wrap(keys.clone()).get(greet));
/// # let _ = app();
/// ```
///
/// For keys with networks and for [`throttle_failures`](Authenticator), the authenticator needs
/// [`ClientAddress::peer`](crate::client::ClientAddress::peer): the middleware passes the address of the connection's
/// peer.
///
/// actix extracts `Option<Client>` as `None` after any error, even if no middleware saw the request.
#[must_use]
pub struct ApiKeyMiddleware<S> {
    pub(super) auth: Arc<Authenticator<S>>,
    pub(super) respond: Arc<dyn Respond<String> + Send + Sync>,
    pub(super) count: Option<Arc<Count>>,
    pub(super) optional: bool,
    pub(super) headers: Arc<SourceHeaders>,
}

/// Counts a request of a client, and returns the RateLimit headers.
type Count = dyn Fn(&Client) -> Counting + Send + Sync;
type Counting = Pin<Box<dyn Future<Output = Result<HeaderMap, AuthError>>>>;

impl<S: KeyStore> ApiKeyMiddleware<S> {
    /// Creates middleware that reads the key from `x-api-key`. For other sources, see [`Authenticator`] and
    /// `ApiKeyMiddleware::from`.
    pub fn new(store: S) -> Self {
        Authenticator::new(store).into()
    }
}

impl<S, R> From<Authenticator<S, R>> for ApiKeyMiddleware<S> {
    fn from(auth: Authenticator<S, R>) -> Self {
        let headers = Arc::new(SourceHeaders::of(&auth.config().sources));
        let auth = Arc::new(auth.into_reading());
        Self { auth, respond: Arc::new(ProblemJson), count: None, optional: false, headers }
    }
}

impl<S> ApiKeyMiddleware<S> {
    /// Replaces the [`Respond`] that makes responses to refused requests.
    ///
    /// A refusal by a handler keeps its body.
    pub fn with_response(self, respond: impl Respond<String> + Send + Sync + 'static) -> Self {
        Self { respond: Arc::new(respond), ..self }
    }

    /// Passes requests without credentials on as anonymous: an `Option<Client>` is then `None`.
    ///
    /// Wrong and blank credentials are still refused with 401.
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Keeps each client within its quota, and adds the RateLimit headers to responses, as
    /// [`ThrottleLayer`](crate::ThrottleLayer) does.
    #[cfg(feature = "throttle")]
    #[cfg_attr(docsrs, doc(cfg(feature = "throttle")))]
    pub fn with_throttle<C: crate::limit::Counters>(self, throttle: crate::Throttle<C>) -> Self {
        let count = move |client: &Client| -> Counting {
            let counted = throttle.check_later(client);
            Box::pin(async move {
                let mut headers = HeaderMap::new();
                counted.await?.add_headers(&mut headers);
                Ok(headers)
            })
        };
        Self { count: Some(Arc::new(count)), ..self }
    }
}

impl<Next, S, B> Transform<Next, ServiceRequest> for ApiKeyMiddleware<S>
where
    Next: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S: KeyStore,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = ApiKeyMiddlewareService<Next, S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, next: Next) -> Self::Future {
        let middleware = Rc::new(self.clone());
        ready(Ok(ApiKeyMiddlewareService { next: Rc::new(next), middleware }))
    }
}

/// The verified caller. Without an [`ApiKeyMiddleware`], extraction fails with [`AuthError::Misconfigured`]: 500.
impl FromRequest for Client {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        ready(match extensions.get::<Self>() {
            Some(client) => Ok(client.clone()),
            None if extensions.contains::<Anonymous>() => Err(AuthError::NoCredentials),
            None => Err(AuthError::Misconfigured(Misconfiguration::NoKeyLayer)),
        })
    }
}

/// Makes the default response, so that a handler can use `?`.
///
/// An [`ApiKeyMiddleware`] around the handler replaces the challenge with its own. Without one, the response has the
/// challenge of the default source and realm.
impl ResponseError for AuthError {
    fn status_code(&self) -> actix_web::http::StatusCode {
        status(self.status())
    }

    fn error_response(&self) -> HttpResponse {
        response(refusal(&ProblemJson, self, Some(Challenges::of_default())))
    }
}

impl<S> Clone for ApiKeyMiddleware<S> {
    fn clone(&self) -> Self {
        let Self { auth, respond, count, optional, headers } = self;
        let (auth, respond, headers) = (Arc::clone(auth), Arc::clone(respond), Arc::clone(headers));
        Self { auth, respond, count: count.clone(), optional: *optional, headers }
    }
}

impl<S> fmt::Debug for ApiKeyMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyMiddleware")
            .field("auth", &self.auth)
            .field("optional", &self.optional)
            .finish_non_exhaustive()
    }
}
