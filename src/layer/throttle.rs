use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Extensions, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::client::Client;
use crate::deadline::WithDeadline;
use crate::error::AuthError;
use crate::layer::client_of;
use crate::layer::future::{Decide, Finish, ResponseFuture};
use crate::limit::{
    Counters, EffectiveQuota, MemoryCounters, PendingDecision, Permit, Throttle, decide,
};
use crate::respond::{ProblemJson, Respond, refusal};

/// A tower layer that keeps each client within its quota, and refuses further requests with 429 when the quota is
/// spent.
///
/// It goes inside an [`ApiKeyLayer`](crate::ApiKeyLayer), which identifies the client. A request that an outer layer
/// refuses is not counted: in the order below, that is a request with a wrong key or without the scope. With
/// `RequireScope` inside instead, a request without the scope is counted. Anonymous callers pass, since they have no
/// quota. Without a key layer outside, every request is refused with 500, and the error in the response's extensions
/// says why.
///
/// ```
/// use axum::{Router, routing::get};
/// use keygate::{ApiKeyLayer, MemoryStore, RequireScope, Throttle, ThrottleLayer};
///
/// let throttle = Throttle::new().with_default_quota("100/minute".parse()?);
/// let app: Router = Router::new()
///     .route("/orders", get(|| async { "none" }))
///     .layer(ThrottleLayer::new(throttle))
///     .layer(RequireScope::new("orders:read")?)
///     // Added last, so that it is outermost.
///     .layer(ApiKeyLayer::new(MemoryStore::new()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Headers
///
/// | header | on | meaning |
/// | --- | --- | --- |
/// | `Retry-After: 12` | 429 | whole seconds, rounded up, after which a request is allowed (RFC 9110 section 10.2.3) |
/// | `RateLimit-Policy: "minute";q=100;w=60` | all | each rate of the quota: `q` requests in `w` seconds |
/// | `RateLimit: "minute";r=42;t=26` | all | the tightest rate: `r` more requests are allowed at once, and `t` is the number of seconds in which they are earned; if `r` is 0, the next request is allowed in `t` seconds |
/// | `Cache-Control: no-store` | 429 | no cache keeps the refusal |
/// | `Content-Type: application/problem+json` | 429 | of the body (RFC 9457), unless [`ThrottleLayer::with_response`] replaces it |
///
/// `RateLimit-Policy` and `RateLimit` follow draft-ietf-httpapi-ratelimit-headers-11, where `t` is the effective window:
/// `r` requests in `t` seconds keep to the rate, and on a 429 `t` is the time of `Retry-After`. They name no client and
/// no key. A rate is named after its unit, and after its limit unless that is `default`: `"search-minute"`. A burst
/// that differs from the count is visible only in `r` and `t`: with `{rate: 100/minute, burst: 20}`, `r` starts at 20
/// and `t` at 12. Each of several throttles adds a line: give their limits different names.
/// [`ThrottleLayer::without_headers`] leaves the two headers out of responses to allowed requests.
///
/// ```text
/// HTTP/1.1 429 Too Many Requests
/// date: Sat, 28 Nov 2026 03:26:05 GMT
/// content-length: 71
/// content-type: application/problem+json
/// cache-control: no-store
/// retry-after: 1
/// ratelimit-policy: "minute";q=60;w=60
/// ratelimit: "minute";r=0;t=1
///
/// {"title":"Too Many Requests","status":429,"detail":"Too many requests"}
/// ```
///
/// The server adds `Date` and `Content-Length`; a CORS layer outside adds its headers.
///
/// A 429 has no challenge, since the key is right, and no `Vary`, since it is not stored.
#[must_use]
pub struct ThrottleLayer<C = MemoryCounters, R = ProblemJson> {
    throttle: Throttle<C>,
    respond: R,
    headers: bool,
}

impl<C> ThrottleLayer<C> {
    /// Creates a layer that applies this throttle.
    pub fn new(throttle: Throttle<C>) -> Self {
        Self { throttle, respond: ProblemJson, headers: true }
    }
}

impl<C, R> ThrottleLayer<C, R> {
    /// Replaces the [`Respond`](crate::respond::Respond) that makes responses to refused requests.
    ///
    /// The key layer adds the challenges of its sources: a `WWW-Authenticate` that `respond` sets is removed.
    pub fn with_response<T>(self, respond: T) -> ThrottleLayer<C, T> {
        ThrottleLayer { throttle: self.throttle, respond, headers: self.headers }
    }

    /// Leaves `RateLimit-Policy` and `RateLimit` out of responses to allowed requests.
    pub fn without_headers(self) -> Self {
        Self { headers: false, ..self }
    }
}

impl<Inner, C, R: Clone> Layer<Inner> for ThrottleLayer<C, R> {
    type Service = ThrottleService<Inner, C, R>;

    fn layer(&self, inner: Inner) -> Self::Service {
        ThrottleService { inner, layer: self.clone() }
    }
}

impl<C, R: Clone> Clone for ThrottleLayer<C, R> {
    fn clone(&self) -> Self {
        Self {
            throttle: self.throttle.clone(),
            respond: self.respond.clone(),
            headers: self.headers,
        }
    }
}

impl<C, R> fmt::Debug for ThrottleLayer<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleLayer")
            .field("throttle", &self.throttle)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// The service that [`ThrottleLayer`] makes.
pub struct ThrottleService<Inner, C = MemoryCounters, R = ProblemJson> {
    inner: Inner,
    layer: ThrottleLayer<C, R>,
}

impl<Inner, C, R, ReqBody, ResBody> Service<Request<ReqBody>> for ThrottleService<Inner, C, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    C: Counters,
    R: Respond<ResBody> + Clone,
{
    type Response = Response<ResBody>;
    type Error = Inner::Error;
    type Future = ThrottleFuture<Inner, ReqBody, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.layer.decide(request.extensions()) {
            Action::Serve(permit) => self.serve(request, permit),
            Action::Refuse(error) => {
                ResponseFuture::refused(refusal(&self.layer.respond, &error, None))
            }
            Action::Wait(pending) => ResponseFuture::waiting(pending, &mut self.inner, request),
        }
    }
}

impl<Inner, C, R> ThrottleService<Inner, C, R> {
    // Not inlined, so that the inner service writes its future where it stays.
    #[inline(never)]
    fn serve<ReqBody>(
        &mut self,
        request: Request<ReqBody>,
        permit: Option<Permit>,
    ) -> ThrottleFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>>,
    {
        ResponseFuture::running(self.inner.call(request), permit)
    }
}

/// What to do with a request.
enum Action<R> {
    /// Pass it on, and add the headers of the permit to the response.
    Serve(Option<Permit>),
    Refuse(AuthError),
    Wait(Pending<R>),
}

impl<C: Counters, R: Clone> ThrottleLayer<C, R> {
    fn decide(&self, extensions: &Extensions) -> Action<R> {
        let client = match client_of(extensions) {
            Ok(Some(client)) => client,
            Ok(None) => return Action::Serve(None),
            Err(error) => return Action::Refuse(error),
        };
        let Some(request) = self.throttle.request(client) else { return Action::Serve(None) };
        let decision = self.throttle.counters().count(&request);
        if decision.is_allowed() && !self.headers {
            return Action::Serve(None);
        }
        match decision.try_ready() {
            Ok(decision) => match decide(client, request.into(), decision) {
                Ok(permit) => Action::Serve(self.headers.then_some(permit)),
                Err(error) => Action::Refuse(error),
            },
            Err(pending) => Action::Wait(Pending {
                decision: self.throttle.limit_wait(pending),
                client: client.clone(),
                quota: request.into(),
                respond: self.respond.clone(),
                headers: self.headers,
            }),
        }
    }
}

impl<Inner: Clone, C, R: Clone> Clone for ThrottleService<Inner, C, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<Inner, C, R> fmt::Debug for ThrottleService<Inner, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleService").field("layer", &self.layer).finish_non_exhaustive()
    }
}

/// The future of [`ThrottleService`].
pub type ThrottleFuture<Inner, ReqBody, R> =
    ResponseFuture<Inner, ReqBody, Pending<R>, Option<Permit>>;

/// A request that is being counted, and the means to refuse it.
#[expect(missing_debug_implementations, reason = "its future has one")]
pub struct Pending<R> {
    decision: WithDeadline<PendingDecision>,
    client: Client,
    quota: EffectiveQuota,
    respond: R,
    headers: bool,
}

impl<ResBody, R: Respond<ResBody>> Decide<ResBody> for Pending<R> {
    type Finish = Option<Permit>;

    fn poll(
        &mut self,
        _: &mut Extensions,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Permit>, Response<ResBody>>> {
        let decision = ready!(Pin::new(&mut self.decision).poll(cx));
        let permit = decide(&self.client, self.quota.clone(), decision);
        Poll::Ready(match permit {
            Ok(permit) => Ok(self.headers.then_some(permit)),
            Err(error) => Err(refusal(&self.respond, &error, None)),
        })
    }
}

impl Finish for Option<Permit> {
    fn changes<B>(&self, _: &Response<B>) -> bool {
        self.is_some()
    }

    fn finish<B>(&self, mut response: Response<B>) -> Response<B> {
        if let Some(permit) = self {
            permit.add_headers(response.headers_mut());
        }
        response
    }
}
