//! The tower layers.
//!
//! A request comes in. If it is admitted, it goes to the inner service with a [`Client`](crate::Client) in its
//! extensions; otherwise a refusal goes out. Start with [`ApiKeyLayer`] below: its service is in `service.rs`, and
//! `completion.rs` completes pending lookups and responses.
//! [`RequireScope`] is in `require_scope.rs`, `ThrottleLayer` in `throttle.rs`. All services share the response future
//! in `future.rs`.

use std::fmt;
use std::sync::Arc;
#[cfg(any(feature = "serde", feature = "yaml"))]
use std::time::Duration;

#[cfg(any(feature = "serde", feature = "yaml"))]
use http::HeaderName;
use tower_layer::Layer;

use crate::authenticate::Authenticator;
use crate::respond::ProblemJson;
use crate::store::KeyStore;

mod completion;
mod future;
mod require_scope;
mod service;
#[cfg(feature = "throttle")]
mod throttle;

pub use completion::ApiKeyFuture;
pub use future::ResponseFuture;
pub use require_scope::{RequireScope, RequireScopeFuture, RequireScopeService};
pub use service::ApiKeyService;
pub(crate) use service::client_of;
#[cfg(feature = "throttle")]
#[cfg_attr(docsrs, doc(cfg(feature = "throttle")))]
pub use throttle::{ThrottleFuture, ThrottleLayer, ThrottleService};

/// A tower layer that admits requests with a valid key, puts the [`Client`](crate::Client) into their extensions, and
/// refuses other requests.
///
/// It wraps any service of `http` requests and responses, and keeps its error type. Put a CORS layer outside it, so
/// that refusals get CORS headers and preflight requests do not reach it: they have no key, and this layer makes no
/// exception for `OPTIONS`.
///
/// ```
/// use axum::{Router, routing::get};
/// use keygate::{ApiKeyLayer, MemoryStore};
/// use tower_http::cors::CorsLayer;
///
/// let app: Router = Router::new()
///     .route("/route1", get(|| async { "hello" }))
///     .layer(ApiKeyLayer::new(MemoryStore::new()))
///     // Added after the key layer, so that it is outermost.
///     .layer(CorsLayer::permissive());
/// ```
///
/// The layer completes every response that has an [`AuthError`](crate::AuthError) in its extensions, including
/// responses of handlers. It adds `Cache-Control: no-store`, `Retry-After` and, if there are none, the challenges (RFC
/// 9110 section 11.6.1).
///
/// Responses to admitted requests get the headers of the sources in `Vary` and, unless the service sets it,
/// `Cache-Control: private`: shared caches protect only requests with `Authorization` (RFC 9111 section 3.5).
/// [`ApiKeyLayer::without_cache_fields`] disables this.
///
/// ```
/// use axum::{Router, routing::get};
/// use keygate::{ApiKeyLayer, Client, YamlStore};
///
/// let store: YamlStore = "api_key: 08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU".parse()?;
/// let app: Router = Router::new()
///     .route("/route1", get(|client: Client| async move { format!("Hello, {}", client.name()) }))
///     .layer(ApiKeyLayer::new(store));
/// # Ok::<(), keygate::store::KeyFileError>(())
/// ```
#[must_use]
pub struct ApiKeyLayer<S, R = ProblemJson> {
    auth: Authenticator<Arc<S>>,
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
    /// Creates a layer that reads the key from `x-api-key`. For other sources, see [`Authenticator`] and
    /// `ApiKeyLayer::from`.
    pub fn new(store: S) -> Self {
        Authenticator::new(store).into()
    }
}

impl<S, R> From<Authenticator<S, R>> for ApiKeyLayer<S> {
    fn from(auth: Authenticator<S, R>) -> Self {
        let auth = auth.into_shared().into_reading();
        Self { auth, respond: ProblemJson, options: Options::default() }
    }
}

impl<S, R> ApiKeyLayer<S, R> {
    /// Replaces the [`Respond`](crate::respond::Respond) that makes responses to refused requests: [`ProblemJson`],
    /// [`NoBody`](crate::respond::NoBody), [`Grpc`](crate::respond::Grpc), or a closure.
    ///
    /// A refusal by a handler behind this layer keeps its body; for axum's extractors and `?` that is [`ProblemJson`].
    pub fn with_response<T>(self, respond: T) -> ApiKeyLayer<S, T> {
        let Self { auth, respond: _, options } = self;
        ApiKeyLayer { auth, respond, options }
    }

    /// Removes the credentials of every source from the request before it is passed on.
    ///
    /// If a source is in `Authorization`, complete credentials of another scheme and an empty value stay. Any other value is
    /// removed: it may be a key without its scheme.
    ///
    /// Outer layers and the server may have logged or copied the credentials already: an axum `Router` around this layer
    /// keeps the whole URI, and a key in its query, in `OriginalUri`.
    pub fn strip_credentials(mut self) -> Self {
        self.options.strip = true;
        self
    }

    /// Passes requests without credentials on as anonymous, without a [`Client`](crate::Client).
    ///
    /// Wrong and blank credentials are still refused with 401: a caller that forgot to set its key must not become
    /// anonymous.
    pub fn optional(mut self) -> Self {
        self.options.optional = true;
        self
    }

    /// Leaves `Vary` and `Cache-Control` of responses to admitted requests unchanged.
    ///
    /// Use this only if the service sets them itself, or if no cache sees its responses.
    pub fn without_cache_fields(mut self) -> Self {
        self.options.without_cache_fields = true;
        self
    }

    /// Adds `X-Key-Expires` to responses to requests whose key expires within this time or was replaced: see
    /// [`Authenticator::warn_before`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use keygate::{ApiKeyLayer, MemoryStore};
    ///
    /// let two_weeks = Duration::from_secs(14 * 24 * 60 * 60);
    /// let layer = ApiKeyLayer::new(MemoryStore::new()).warn_before(two_weeks);
    /// ```
    #[cfg(any(feature = "serde", feature = "yaml"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "serde", feature = "yaml"))))]
    pub fn warn_before(mut self, time: Duration) -> Self {
        self.auth = self.auth.warn_before(time);
        self
    }

    /// Does the same as [`ApiKeyLayer::warn_before`], with another header name.
    #[cfg(any(feature = "serde", feature = "yaml"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "serde", feature = "yaml"))))]
    pub fn warn_before_in(mut self, time: Duration, header: HeaderName) -> Self {
        self.auth = self.auth.warn_before_in(time, header);
        self
    }
}

impl<Inner, S, R: Clone> Layer<Inner> for ApiKeyLayer<S, R> {
    type Service = ApiKeyService<Inner, S, R>;

    fn layer(&self, inner: Inner) -> Self::Service {
        ApiKeyService { inner, layer: self.clone() }
    }
}

impl<S, R: Clone> Clone for ApiKeyLayer<S, R> {
    fn clone(&self) -> Self {
        let Self { auth, respond, options } = self;
        Self { auth: auth.clone(), respond: respond.clone(), options: *options }
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
