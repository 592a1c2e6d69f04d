//! The tower layers.
//!
//! A request comes in from the service outside; it goes on to the inner service with a [`Client`](crate::Client) in its
//! extensions, or a refusal goes back. Start with [`ApiKeyLayer`] below: its service is in `service.rs`, its response
//! future in `future.rs`, `Vary` and `Cache-Control` in `caching.rs`. [`RequireScope`] is in `require_scope.rs`,
//! `ThrottleLayer` in `throttle.rs`.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::authenticate::Authenticator;
use crate::respond::ProblemJson;
use crate::store::KeyStore;

mod caching;
mod future;
mod require_scope;
mod service;
mod state;
#[cfg(feature = "throttle")]
mod throttle;

pub use future::ResponseFuture;
pub use require_scope::{RequireScope, RequireScopeFuture, RequireScopeService};
pub(crate) use service::Anonymous;
pub use service::ApiKeyService;
#[cfg(feature = "throttle")]
#[cfg_attr(docsrs, doc(cfg(feature = "throttle")))]
pub use throttle::{ThrottleFuture, ThrottleLayer, ThrottleService};

/// A tower layer that lets requests with a right key through, with the [`Client`](crate::Client) in
/// their extensions, and answers the others.
///
/// It goes around any service of `http` requests and responses, and passes its error type through.
/// Put a CORS layer outside of it, so that refusals get their CORS fields, too, and preflight
/// requests never come here: they carry no key, and this layer makes no exception for `OPTIONS`.
///
/// ```
/// use axum::{Router, routing::get};
/// use keygate::{ApiKeyLayer, MemoryStore};
/// use tower_http::cors::CorsLayer;
///
/// let app: Router = Router::new()
///     .route("/route1", get(|| async { "hello" }))
///     .layer(ApiKeyLayer::new(MemoryStore::new()))
///     // Added behind the key layer, so that it stands outside of it.
///     .layer(CorsLayer::permissive());
/// ```
///
/// Every response that carries an [`AuthError`](crate::AuthError) in its extensions is completed on
/// its way out, also one that a handler returned: with the challenges (RFC 9110 section 11.6.1) unless
/// it has some, `Cache-Control: no-store` and `Retry-After`.
///
/// Answers to verified requests get the source's headers in `Vary`, and `Cache-Control: private`
/// where the service said nothing: shared caches keep apart only what comes with `Authorization`
/// (RFC 9111 section 3.5). [`ApiKeyLayer::without_cache_fields`] turns that off.
///
/// ```
/// use axum::{Router, routing::get};
/// use keygate::{ApiKeyLayer, Client, YamlStore};
///
/// let store: YamlStore = "api_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU".parse()?;
/// let app: Router = Router::new()
///     .route("/route1", get(|client: Client| async move { format!("Hello, {}", client.name()) }))
///     .layer(ApiKeyLayer::new(store));
/// # Ok::<(), keygate::store::YamlError>(())
/// ```
#[must_use]
pub struct ApiKeyLayer<S, R = ProblemJson> {
    auth: Arc<Authenticator<S>>,
    respond: R,
    options: Options,
}

#[derive(Clone, Copy, Debug, Default)]
struct Options {
    strip: bool,
    optional: bool,
    without_cache_fields: bool,
}

impl<S: KeyStore> ApiKeyLayer<S> {
    /// A layer that reads the key from `x-api-key`. For other sources, see
    /// [`Authenticator`] and `ApiKeyLayer::from`.
    pub fn new(store: S) -> Self {
        Authenticator::new(store).into()
    }
}

impl<S, R> From<Authenticator<S, R>> for ApiKeyLayer<S> {
    fn from(auth: Authenticator<S, R>) -> Self {
        let auth = Arc::new(auth.into_reading());
        Self { auth, respond: ProblemJson, options: Options::default() }
    }
}

impl<S, R> ApiKeyLayer<S, R> {
    /// Replaces what makes the responses to requests that are not let in: [`ProblemJson`],
    /// [`NoBody`](crate::respond::NoBody), [`Grpc`](crate::respond::Grpc), or a closure.
    ///
    /// A refusal that comes from a handler behind this layer has the body that the handler gave it;
    /// for axum's extractors and `?` that is [`ProblemJson`].
    pub fn with_response<T>(self, respond: T) -> ApiKeyLayer<S, T> {
        ApiKeyLayer { auth: self.auth, respond, options: self.options }
    }

    /// Removes the credentials of every source from the request before the service sees it.
    ///
    /// Where a source is in `Authorization`, complete credentials of another scheme stay, and any other value
    /// goes: it may be a key that was sent without its scheme.
    ///
    /// What an outer layer or the server has seen, kept or logged by then, this cannot take back: an
    /// axum `Router` around it keeps the whole target, and a key in its query, in `OriginalUri`.
    pub fn strip_credentials(mut self) -> Self {
        self.options.strip = true;
        self
    }

    /// Lets requests without credentials through, as anonymous: without a
    /// [`Client`](crate::Client).
    ///
    /// Wrong credentials are still answered 401, and so are blank ones: a variable that is not set
    /// must not make an anonymous caller of a known one.
    pub fn optional(mut self) -> Self {
        self.options.optional = true;
        self
    }

    /// Leaves `Vary` and `Cache-Control` of the service's answers as they are.
    ///
    /// Only for a service that sets them itself, or whose answers no cache can see.
    pub fn without_cache_fields(mut self) -> Self {
        self.options.without_cache_fields = true;
        self
    }
}

impl<Inner, S, R: Clone> Layer<Inner> for ApiKeyLayer<S, R> {
    type Service = ApiKeyService<Inner, S, R>;

    fn layer(&self, inner: Inner) -> Self::Service {
        ApiKeyService::new(inner, Arc::clone(&self.auth), self.respond.clone(), self.options)
    }
}

impl<S, R: Clone> Clone for ApiKeyLayer<S, R> {
    fn clone(&self) -> Self {
        Self { auth: Arc::clone(&self.auth), respond: self.respond.clone(), options: self.options }
    }
}

impl<S, R> fmt::Debug for ApiKeyLayer<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyLayer")
            .field("auth", &self.auth)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
