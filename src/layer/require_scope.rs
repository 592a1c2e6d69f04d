use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::authenticate::RouteScopes;
use crate::client::Scope;
use crate::error::{AuthError, ConfigError};
use crate::layer::client_of;
use crate::layer::future::{Decide, Finish, ResponseFuture};
use crate::respond::{ProblemJson, Respond, refusal};

/// A tower layer that admits clients with a scope, and refuses others with 403.
///
/// It goes inside an [`ApiKeyLayer`](crate::ApiKeyLayer), which verifies the client and adds its challenge to the
/// response. An anonymous caller gets 401. Without a key layer, every request is refused with 500,
/// [`AuthError::Misconfigured`](crate::AuthError::Misconfigured).
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use keygate::{ApiKeyLayer, MemoryStore, RequireScope};
///
/// let app: Router = Router::new()
///     .route("/orders", post(|| async { "made" }))
///     // For the routes above, not for those below.
///     .route_layer(RequireScope::new("orders:write")?)
///     .route("/stock", get(|| async { "full" }))
///     .layer(ApiKeyLayer::new(MemoryStore::new()));
/// # Ok::<(), keygate::error::ConfigError>(())
/// ```
///
/// # Headers
///
/// | header of a 403 | meaning |
/// | --- | --- |
/// | `WWW-Authenticate: Bearer realm="api", error="insufficient_scope", scope="orders:write"` | the missing scope (RFC 6750 section 3), only if the key came by Bearer |
/// | `Cache-Control: no-store` | no cache keeps the refusal |
/// | `Content-Type: application/problem+json` | of the body (RFC 9457), unless [`RequireScope::with_response`] replaces it |
///
/// ```text
/// HTTP/1.1 403 Forbidden
/// date: Sat, 28 Nov 2026 03:26:05 GMT
/// content-length: 69
/// content-type: application/problem+json
/// cache-control: no-store
///
/// {"title":"Forbidden","status":403,"detail":"Scope usage:read needed"}
/// ```
///
/// The server adds `Date` and `Content-Length`; a CORS layer outside adds its headers.
///
/// There is no `Retry-After`, since waiting does not help.
#[derive(Clone)]
#[must_use]
pub struct RequireScope<R = ProblemJson> {
    required: Required,
    respond: R,
}

#[derive(Clone)]
enum Required {
    All(Arc<[Scope]>),
    Any(Arc<[Scope]>),
    /// By the method and the path of a request.
    Path(Arc<RouteScopes>),
    /// By the method of a request and the route that its router has matched.
    Route(Arc<RouteScopes>, Arc<RouteOf>),
}

type RouteOf = dyn for<'a> Fn(&'a Extensions) -> Option<&'a str> + Send + Sync;

impl RequireScope {
    /// Requires one scope.
    ///
    /// # Errors
    ///
    /// The text is not a scope.
    pub fn new(scope: impl AsRef<str>) -> Result<Self, ConfigError> {
        Self::all([scope])
    }

    /// Requires one scope, which the compiler has checked if it is in a `const`.
    ///
    /// ```
    /// use keygate::{RequireScope, Scope};
    ///
    /// const WRITE: Scope = Scope::from_static("orders:write");
    /// let layer = RequireScope::scope(WRITE);
    /// ```
    pub fn scope(scope: Scope) -> Self {
        Self::of(Required::All(Arc::new([scope])))
    }

    /// Requires all of these scopes.
    ///
    /// # Errors
    ///
    /// A text is not a scope, or the list is empty, which would admit every client.
    pub fn all<T: AsRef<str>>(scopes: impl IntoIterator<Item = T>) -> Result<Self, ConfigError> {
        Ok(Self::of(Required::All(parse(scopes)?)))
    }

    /// Requires one of these scopes.
    ///
    /// # Errors
    ///
    /// A text is not a scope, or the list is empty, which would refuse every client.
    pub fn any<T: AsRef<str>>(scopes: impl IntoIterator<Item = T>) -> Result<Self, ConfigError> {
        Ok(Self::of(Required::Any(parse(scopes)?)))
    }

    /// Requires the scope that a table has for the method and path of the request. Routes that the table does not list
    /// are refused.
    ///
    /// Use this with routers that do not say which route they matched. It must see the path that the router sees: put it
    /// outside of layers that rewrite paths, and of nested services that remove a prefix.
    ///
    /// ```
    /// use http::Method;
    /// use keygate::{RequireScope, RouteScopes, Scope};
    ///
    /// let scopes = RouteScopes::new()
    ///     .require(Method::GET, "/orders/{id}", Scope::from_static("orders:read"))?
    ///     .require(Method::DELETE, "/orders/{id}", Scope::from_static("orders:write"))?;
    /// let layer = RequireScope::by_path(scopes);
    /// # Ok::<(), keygate::error::ConfigError>(())
    /// ```
    pub fn by_path(scopes: RouteScopes) -> Self {
        Self::of(Required::Path(Arc::new(scopes)))
    }

    /// Requires the scope that a table has for the method of the request and the route that the router matched. The
    /// closure reads the route from the extensions; a request without one is refused, and so are routes that the table
    /// does not list.
    ///
    /// ```
    /// use axum::{Router, extract::MatchedPath, routing::get};
    /// use http::Method;
    /// use keygate::{ApiKeyLayer, MemoryStore, RequireScope, RouteScopes, Scope};
    ///
    /// let scopes = RouteScopes::new()
    ///     .require(Method::GET, "/orders/{id}", Scope::from_static("orders:read"))?
    ///     .require(Method::DELETE, "/orders/{id}", Scope::from_static("orders:write"))?;
    /// let app: Router = Router::new()
    ///     .route("/orders/{id}", get(|| async { "one" }).delete(|| async { "gone" }))
    ///     .route_layer(RequireScope::by_route(scopes, |extensions| {
    ///         extensions.get::<MatchedPath>().map(MatchedPath::as_str)
    ///     }))
    ///     .route_layer(ApiKeyLayer::new(MemoryStore::new()));
    /// # Ok::<(), keygate::error::ConfigError>(())
    /// ```
    pub fn by_route(
        scopes: RouteScopes,
        route: impl Fn(&Extensions) -> Option<&str> + Send + Sync + 'static,
    ) -> Self {
        Self::of(Required::Route(Arc::new(scopes), Arc::new(route)))
    }

    fn of(required: Required) -> Self {
        Self { required, respond: ProblemJson }
    }
}

fn parse<T: AsRef<str>>(scopes: impl IntoIterator<Item = T>) -> Result<Arc<[Scope]>, ConfigError> {
    let scopes = scopes.into_iter().map(|scope| scope.as_ref().parse());
    let scopes = scopes.collect::<Result<Arc<[_]>, _>>()?;
    if scopes.is_empty() { Err(ConfigError::NoScopes) } else { Ok(scopes) }
}

impl<R> RequireScope<R> {
    /// Replaces the [`Respond`](crate::respond::Respond) that makes responses to refused requests.
    ///
    /// The key layer adds the challenges of its sources: a `WWW-Authenticate` that `respond` sets is removed.
    pub fn with_response<T>(self, respond: T) -> RequireScope<T> {
        RequireScope { required: self.required, respond }
    }

    fn check<B>(&self, request: &Request<B>) -> Result<(), AuthError> {
        let client = client_of(request.extensions())?.ok_or(AuthError::NoCredentials)?;
        match &self.required {
            Required::All(scopes) => client.require_all(&**scopes),
            Required::Any(scopes) => client.require_any(&**scopes),
            Required::Path(table) => {
                table.check_path(client, request.method(), request.uri().path())
            }
            Required::Route(table, route) => {
                table.check_route(client, request.method(), route(request.extensions()))
            }
        }
    }
}

impl<Inner, R: Clone> Layer<Inner> for RequireScope<R> {
    type Service = RequireScopeService<Inner, R>;

    fn layer(&self, inner: Inner) -> Self::Service {
        RequireScopeService { inner, layer: self.clone() }
    }
}

impl<R> fmt::Debug for RequireScope<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RequireScope");
        match &self.required {
            Required::All(scopes) => debug.field("all", scopes),
            Required::Any(scopes) => debug.field("any", scopes),
            Required::Path(table) => debug.field("by_path", table),
            Required::Route(table, _) => debug.field("by_route", table),
        };
        debug.finish_non_exhaustive()
    }
}

/// The service that [`RequireScope`] makes.
#[derive(Clone)]
pub struct RequireScopeService<Inner, R = ProblemJson> {
    inner: Inner,
    layer: RequireScope<R>,
}

impl<Inner, R, ReqBody, ResBody> Service<Request<ReqBody>> for RequireScopeService<Inner, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Respond<ResBody>,
{
    type Response = Response<ResBody>;
    type Error = Inner::Error;
    type Future = RequireScopeFuture<Inner, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.layer.check(&request) {
            Ok(()) => ResponseFuture::running(self.inner.call(request), ()),
            Err(error) => ResponseFuture::refused(refusal(&self.layer.respond, &error, None)),
        }
    }
}

impl<Inner, R> fmt::Debug for RequireScopeService<Inner, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireScopeService").field("layer", &self.layer).finish_non_exhaustive()
    }
}

/// The future of [`RequireScopeService`].
pub type RequireScopeFuture<Inner, ReqBody> = ResponseFuture<Inner, ReqBody, Infallible, ()>;

/// The layer decides at once.
impl<ResBody> Decide<ResBody> for Infallible {
    type Finish = ();

    fn poll(
        &mut self,
        _: &mut Extensions,
        _: &mut Context<'_>,
    ) -> Poll<Result<(), Response<ResBody>>> {
        match *self {}
    }
}

impl Finish for () {}
