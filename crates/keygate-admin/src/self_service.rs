//! A router through which the customers of a service manage their own keys.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{self, HeaderValue, Method};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use keygate::ManageKeys;
use keygate::key::{DEFAULT_PREFIX, InvalidPrefix, KeyFormat};
use keygate::observe::UsageHistory;
use tower_service::Service;

use crate::json::{Document, Idempotency, Kind, Problem, require_json, secure};

mod caller;
mod issue;
mod key_limit;
mod keys;
mod openapi;
mod origin;
mod usage;
mod whoami;

pub use caller::Caller;
use key_limit::IssueLocks;
pub use origin::InvalidOrigin;

/// The default maximum number of working keys per client.
const MAX_KEYS: usize = 10;

type Identify = dyn Fn(&Parts) -> Option<Caller> + Send + Sync;

/// Creates a JSON router through which the customers of a service manage their own keys.
///
/// `identify` returns the caller of a request, usually from an extension that the service has set: the client of a
/// signed-in user, or the client of a verified key. `None` is refused with 401. The closure is the only authentication:
/// see [`Caller`].
///
/// | request | effect |
/// | --- | --- |
/// | `GET /whoami` | returns the client, its scopes and quota, and how many keys it may have |
/// | `GET /keys`, `GET /keys/{key_id}` | return the client's keys |
/// | `POST /keys` | issues a key within the client's scopes and networks, the store's policy and the maximum number |
/// | `POST /keys/{key_id}/rotate` | replaces a key |
/// | `POST /keys/{key_id}/revoke` | revokes a key |
/// | `GET /usage` | returns the client's requests by outcome |
/// | `GET /openapi.json` | returns the OpenAPI document, for everyone |
///
/// ```
/// use std::sync::Arc;
///
/// use axum::Router;
/// use keygate::{Client, MemoryStore};
/// use keygate_admin::{Caller, self_service};
///
/// /// The extension that the service's own sign-in adds to a request.
/// #[derive(Clone)]
/// struct Session {
///     client: String,
/// }
///
/// let store = Arc::new(MemoryStore::new());
/// let own_keys = self_service(store, |parts| {
///     let session = parts.extensions.get::<Session>().map(|session| Caller::signed_in(&session.client));
///     session.or_else(|| parts.extensions.get::<Client>().map(Caller::by_key))
/// });
/// let app: Router = Router::new().nest_service("/account", own_keys.with_max_keys(5));
/// ```
pub fn self_service(
    store: Arc<dyn ManageKeys>,
    identify: impl Fn(&Parts) -> Option<Caller> + Send + Sync + 'static,
) -> SelfService {
    let settings = Settings {
        store,
        identify: Arc::new(identify),
        usage: None,
        key_prefix: DEFAULT_PREFIX.into(),
        max_keys: MAX_KEYS,
        origins: Vec::new(),
        clock: Arc::new(SystemTime::now),
    };
    SelfService::new(settings)
}

/// A tower service through which the customers of a service manage their own keys, created by [`self_service`].
///
/// Clones share their state. Configure the router once: each `with_` method returns a router with new state, which does
/// not know the earlier requests.
///
/// ```
/// use std::sync::Arc;
///
/// use http::{Request, StatusCode};
/// use keygate::{ClientProfile, MemoryStore};
/// use keygate_admin::{Caller, self_service};
/// use tower::ServiceExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// store.add_client(ClientProfile::new("App 1"))?;
/// let service = self_service(Arc::new(store), |_| Some(Caller::signed_in("App 1")));
///
/// let issue = Request::post("/keys")
///     .header("content-type", "application/json")
///     .body(String::from(r#"{"label": "laptop"}"#))?;
/// let response = service.oneshot(issue).await?;
/// assert_eq!(response.status(), StatusCode::CREATED);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SelfService {
    settings: Settings,
    router: Router,
}

#[derive(Clone)]
struct Settings {
    store: Arc<dyn ManageKeys>,
    identify: Arc<Identify>,
    usage: Option<UsageHistory>,
    key_prefix: Arc<str>,
    max_keys: usize,
    origins: Vec<HeaderValue>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

/// The state shared by all requests.
struct Shared {
    settings: Settings,
    idempotency: Idempotency,
    issue_locks: IssueLocks,
    document: Document,
}

impl SelfService {
    fn new(settings: Settings) -> Self {
        let (router, document) = openapi::router().split_for_parts();
        let document = Document::new(&document, ".", &serde_json::Map::new());
        let (idempotency, issue_locks) = Default::default();
        let shared =
            Arc::new(Shared { settings: settings.clone(), idempotency, issue_locks, document });
        let router = router
            .fallback(no_route)
            .method_not_allowed_fallback(no_method)
            .layer(middleware::from_fn_with_state(shared.clone(), guard))
            .with_state(shared);
        Self { settings, router }
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings;
        change(&mut settings);
        Self::new(settings)
    }

    /// Sets the maximum number of keys per client, which is 10 by default. Revoked and expired keys do not count.
    /// Replaced keys count until their grace period ends.
    ///
    /// A client may have more keys if an operator issued them. A client at the maximum can still rotate a key without a
    /// grace period.
    ///
    /// Within one process, concurrent requests never exceed the maximum. If several processes share a store, each one
    /// counts again after it issues a key. If there are too many keys by then, it revokes the new key before anybody
    /// has seen it. Processes that rotate different keys at the same moment can exceed the maximum until the grace
    /// periods end.
    #[must_use]
    pub fn with_max_keys(self, max: usize) -> Self {
        self.with(|settings| settings.max_keys = max)
    }

    /// Sets the prefix of new keys, which is [`DEFAULT_PREFIX`] by default.
    ///
    /// # Errors
    ///
    /// Fails if the prefix is not 1 to 16 characters from `a-z` and `0-9`, beginning with a letter.
    pub fn with_key_prefix(self, prefix: &str) -> Result<Self, InvalidPrefix> {
        KeyFormat::new(prefix)?;
        Ok(self.with(|settings| settings.key_prefix = prefix.into()))
    }

    /// Serves each client's usage and the last use of its keys from `history`. Without a history, `/usage` returns 404.
    #[must_use]
    pub fn with_usage(self, history: UsageHistory) -> Self {
        self.with(|settings| settings.usage = Some(history))
    }

    /// Allows changes from pages of another origin, such as `https://portal.example`. By default, browsers may send
    /// changes only from pages with the same `Host` as this service.
    ///
    /// This only allows the request itself. The service must handle the CORS preflight in front of this router.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a scheme and a host, with an optional port and nothing after it.
    pub fn add_origin(self, origin: &str) -> Result<Self, InvalidOrigin> {
        let origin = origin::parse(origin)?;
        Ok(self.with(|settings| settings.origins.push(origin)))
    }

    /// Replaces the system's clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }
}

impl Shared {
    fn now(&self) -> SystemTime {
        (self.settings.clock)()
    }
}

async fn no_route() -> Problem {
    Problem::new(
        Kind::NotFound,
        "There is nothing at this address: `openapi.json` lists all addresses.",
    )
}

async fn no_method() -> Problem {
    Problem::new(
        Kind::Method,
        "This address does not support the method: the `Allow` header lists those it supports.",
    )
}

/// Identifies the caller, and refuses requests that a page of another origin may have sent.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut response = match admit(&shared.settings, &parts) {
        Ok(caller) => {
            caller.map(|caller| parts.extensions.insert(caller));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    };
    secure(&mut response);
    response
}

fn admit(settings: &Settings, parts: &Parts) -> Result<Option<Caller>, Problem> {
    let is_reading = matches!(parts.method, Method::GET | Method::HEAD);
    if is_reading && parts.uri.path() == openapi::PATH {
        return Ok(None);
    }
    if !is_reading {
        origin::check(parts, &settings.origins)?;
    }
    let caller = (settings.identify)(parts).ok_or_else(caller::signed_out)?;
    if !is_reading {
        // A form of another origin cannot send this content type, with or without a body.
        require_json(&parts.headers)?;
    }
    Ok(Some(caller))
}

impl<B> Service<http::Request<B>> for SelfService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        // An axum router is always ready.
        Box::pin(self.router.call(request))
    }
}

impl fmt::Debug for SelfService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { usage, key_prefix, max_keys, origins, .. } = &self.settings;
        f.debug_struct("SelfService")
            .field("usage", usage)
            .field("key_prefix", key_prefix)
            .field("max_keys", max_keys)
            .field("origins", origins)
            .finish_non_exhaustive()
    }
}
