use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, VARY, WWW_AUTHENTICATE};

use super::actix_headers::{append, copied, redact, replace, response, status};
use crate::authenticate::{Authenticate, Authenticator, ForeignHead, Verification};
use crate::client::{Client, Transport};
use crate::credential::Credential;
use crate::error::{AuthError, Misconfiguration};
use crate::respond::{Caching, Challenges, ProblemJson, Respond, add_headers, refusal};
use crate::store::KeyStore;

/// Middleware for actix-web, which gives what [`ApiKeyLayer`](crate::ApiKeyLayer) gives to tower services: it admits
/// requests with a valid key, puts the [`Client`] into their extensions, and refuses other requests.
///
/// A handler takes a [`Client`] as an argument, and can return an [`AuthError`] with `?`. Create the middleware outside of
/// the closure of `HttpServer::new`, which is called for each worker, so that all workers share its throttles.
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
/// With `Option<Client>`, actix gives `None` for any error, also if no middleware saw the request.
#[must_use]
pub struct ApiKeyMiddleware<S> {
    auth: Arc<Authenticator<S>>,
    respond: Arc<dyn Respond<String> + Send + Sync>,
    count: Option<Arc<Count>>,
    optional: bool,
}

/// Counts a request of a client, and returns the RateLimit headers.
type Count = dyn Fn(&Client) -> Counting + Send + Sync;
type Counting = Pin<Box<dyn Future<Output = Result<HeaderMap, AuthError>>>>;

/// Marks a request that a middleware admitted, and its client, if it has one.
#[derive(Clone)]
struct Caller(Option<Client>);

/// Marks a response whose refusal an inner middleware has reported and completed.
struct Completed;

impl<S: KeyStore> ApiKeyMiddleware<S> {
    /// Creates middleware that reads the key from `x-api-key`. For other sources, see [`Authenticator`] and
    /// `ApiKeyMiddleware::from`.
    pub fn new(store: S) -> Self {
        Authenticator::new(store).into()
    }
}

impl<S, R> From<Authenticator<S, R>> for ApiKeyMiddleware<S> {
    fn from(auth: Authenticator<S, R>) -> Self {
        let auth = Arc::new(auth.into_reading());
        Self { auth, respond: Arc::new(ProblemJson), count: None, optional: false }
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
                let names = [VARY, CACHE_CONTROL];
                let mut headers = copied(response.headers(), &names);
                match &admitted.client {
                    Some(client) => self.auth.finish_response(&mut headers, client),
                    None => Caching::Vary.apply(&mut headers, &self.auth.config().sources),
                }
                replace(response.headers_mut(), &headers);
            }
        }
        append(response.headers_mut(), &admitted.headers);
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
}

/// An admitted request: its client, unless the caller is anonymous, and the headers of its quota.
#[derive(Default)]
struct Admitted {
    client: Option<Client>,
    headers: HeaderMap,
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
        let middleware = self.clone();
        ready(Ok(ApiKeyMiddlewareService { next: Rc::new(next), middleware }))
    }
}

/// The service that [`ApiKeyMiddleware`] makes.
pub struct ApiKeyMiddlewareService<Next, S> {
    next: Rc<Next>,
    middleware: ApiKeyMiddleware<S>,
}

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
        let (middleware, next) = (self.middleware.clone(), Rc::clone(&self.next));
        let verification = middleware.verify(&mut request);
        Box::pin(async move {
            let admitted = match middleware.admit(verification).await {
                Ok(admitted) => admitted,
                Err(error) => {
                    let refused = middleware.refuse(&error).map_into_right_body();
                    return Ok(request.into_response(refused));
                }
            };
            {
                let mut extensions = request.extensions_mut();
                extensions.insert(Caller(admitted.client.clone()));
                extensions.remove::<Client>();
                if let Some(client) = &admitted.client {
                    extensions.insert(client.clone());
                }
            }
            let mut response = next.call(request).await?;
            middleware.complete(response.response_mut(), &admitted);
            Ok(response.map_into_left_body())
        })
    }
}

impl<S: KeyStore> ApiKeyMiddleware<S> {
    /// Reads and redacts the credential, and begins to verify it. `None` is an anonymous caller.
    fn verify(&self, request: &mut ServiceRequest) -> Option<Authenticate> {
        let config = self.auth.config();
        let headers =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let peer = request.peer_addr().map(|peer| peer.ip());
        let mut foreign = ForeignHead::new(config, headers, Some(target), peer);
        let is_encrypted = request.app_config().secure();
        foreign.extensions.insert(if is_encrypted { Transport::Tls } else { Transport::Clear });
        if self.optional && matches!(foreign.credential, Ok(Credential::Absent)) {
            let refused = config.admit_anonymous(foreign.head()).err()?;
            return Some(Authenticate(Verification::Decided(Err(refused))));
        }
        for name in config.sources.header_names() {
            redact(request.headers_mut(), name);
        }
        Some(self.auth.authenticate_foreign(&foreign))
    }
}

/// The verified caller. Without an [`ApiKeyMiddleware`], extraction fails with [`AuthError::Misconfigured`]: 500.
impl FromRequest for Client {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.extensions().get::<Caller>() {
            Some(Caller(client)) => client.clone().ok_or(AuthError::NoCredentials),
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
        let Self { auth, respond, count, optional } = self;
        let (auth, respond) = (Arc::clone(auth), Arc::clone(respond));
        Self { auth, respond, count: count.clone(), optional: *optional }
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

impl<Next, S> fmt::Debug for ApiKeyMiddlewareService<Next, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyMiddlewareService")
            .field("middleware", &self.middleware)
            .finish_non_exhaustive()
    }
}
