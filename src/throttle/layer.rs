use std::fmt;
use std::mem;
use std::task::{Context, Poll};

use http::{Extensions, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::deadline::Timed;
use super::future::{Parked, ThrottleFuture};
use super::held::Held;
use super::{Allowance, Count, Counters, MemoryCounters, Throttle, decide};
use crate::client::Client;
use crate::error::{AuthError, StoreError};
use crate::layer::Anonymous;
use crate::quota::Quota;
use crate::respond::{ProblemJson, Respond};

/// A tower layer that holds each client to its quota, and answers 429 when it is spent.
///
/// It stands inside of an [`ApiKeyLayer`](crate::ApiKeyLayer), which finds out who the client is. What
/// stands outside of it is not counted: with the order below, a request that is refused for its key or
/// for a missing scope spends nothing; with `RequireScope` inside, one that lacks a scope does. Anonymous
/// callers are let through, since they have no quota. Where no key layer stands outside, every request
/// is answered 503, and the error in the response's extensions says why.
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
///     // Added last, so that it stands outermost.
///     .layer(ApiKeyLayer::new(MemoryStore::new()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Fields
///
/// | field | on | meaning |
/// | --- | --- | --- |
/// | `Retry-After: 12` | 429 | whole seconds, rounded up: who waits so long is let in (RFC 9110 section 10.2.3) |
/// | `RateLimit-Policy: "minute";q=100;w=60` | all | each rate of the quota: `q` requests in `w` seconds, under the name of its unit |
/// | `RateLimit: "minute";r=42;t=26` | all | the tightest rate: `r` more requests at once, as many as it earns in `t` seconds; where none is left, the next is allowed in `t` seconds |
/// | `Cache-Control: no-store` | 429 | no cache keeps the refusal, and so none answers with it when the time is over |
/// | `Content-Type: application/problem+json` | 429 | that of the body (RFC 9457), unless [`ThrottleLayer::with_response`] makes another |
///
/// `RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-11, where `t` is the
/// effective window: who makes no more than `r` requests in `t` seconds keeps to the rate, and on a 429 it is the
/// time of `Retry-After`. They name no client and no key. A burst that is not the count of its rate shows in
/// `r` and `t` alone: of `{rate: 100/minute, burst: 20}`, 20 are left at first, which are earned in 12 seconds.
/// Where the answer has such fields already, as behind two throttles, a line is added to them, with other names.
/// These are unique in one answer and no more: give two throttles different units, where callers keep what they
/// know of a limit by its name.
/// [`ThrottleLayer::without_fields`] leaves them out of what is allowed.
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
/// `Date` and `Content-Length` are the server's; a CORS layer outside adds fields of its own.
///
/// A 429 has no challenge, since the key is right, and no `Vary`, since it is not kept.
#[must_use]
pub struct ThrottleLayer<C = MemoryCounters, R = ProblemJson> {
    throttle: Throttle<C>,
    respond: R,
    fields: bool,
}

impl<C> ThrottleLayer<C> {
    /// A layer that asks this throttle.
    pub fn new(throttle: Throttle<C>) -> Self {
        Self { throttle, respond: ProblemJson, fields: true }
    }
}

impl<C, R> ThrottleLayer<C, R> {
    /// Replaces what makes the responses to requests that are not let in.
    pub fn with_response<T>(self, respond: T) -> ThrottleLayer<C, T> {
        ThrottleLayer { throttle: self.throttle, respond, fields: self.fields }
    }

    /// Leaves `RateLimit-Policy` and `RateLimit` out of answers to requests that are allowed.
    pub fn without_fields(self) -> Self {
        Self { fields: false, ..self }
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
        Self { throttle: self.throttle.clone(), respond: self.respond.clone(), fields: self.fields }
    }
}

impl<C, R> fmt::Debug for ThrottleLayer<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleLayer")
            .field("throttle", &self.throttle)
            .field("fields", &self.fields)
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

    #[inline(never)]
    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.layer.decide(request.extensions()) {
            Decision::Serve(None) => self.serve(request),
            Decision::Serve(fields) => ThrottleFuture::running(self.inner.call(request), fields),
            Decision::Refuse(error) => ThrottleFuture::refused(&self.layer.respond, error),
            Decision::Wait(count, client, quota) => self.park(count, client, quota, request),
        }
    }
}

/// What becomes of a request.
enum Decision {
    /// The service sees it, and its answer tells of this.
    Serve(Option<Allowance>),
    Refuse(AuthError),
    Wait(Count, Client, Quota),
}

impl<C: Counters, R> ThrottleLayer<C, R> {
    #[inline]
    fn decide(&self, extensions: &Extensions) -> Decision {
        let Some(client) = extensions.get::<Client>() else {
            return decide_on_stranger(extensions);
        };
        let Some(held) = self.throttle.held(client) else { return Decision::Serve(None) };
        match self.throttle.count_in_memory(client, held, self.throttle.came(client)) {
            Some(standing) if !self.fields && standing.is_allowed() => Decision::Serve(None),
            Some(standing) => self.tell(decide(client, held.quota, Ok(standing.tally()))),
            None => self.ask(client, held),
        }
    }

    fn ask(&self, client: &Client, held: Held<'_>) -> Decision {
        let count = self.throttle.counters.spend(&self.throttle.spend(client, held));
        match count.try_ready() {
            Ok(answer) => self.tell(decide(client, held.quota, answer)),
            Err(count) => Decision::Wait(count, client.clone(), held.quota.clone()),
        }
    }

    fn tell(&self, decided: Result<Allowance, AuthError>) -> Decision {
        match decided {
            Ok(allowance) => Decision::Serve(self.fields.then_some(allowance)),
            Err(error) => Decision::Refuse(error),
        }
    }
}

#[cold]
fn decide_on_stranger(extensions: &Extensions) -> Decision {
    match extensions.get::<Anonymous>() {
        Some(_) => Decision::Serve(None),
        None => Decision::Refuse(AuthError::Unavailable(StoreError::of_layer(
            "no `ApiKeyLayer` stands outside of this `ThrottleLayer`: put one around it",
        ))),
    }
}

impl<Inner, C, R> ThrottleService<Inner, C, R> {
    /// Small and on its own, so that the future of the inner service is written where it stays.
    #[inline(never)]
    fn serve<ReqBody>(&mut self, request: Request<ReqBody>) -> ThrottleFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>>,
    {
        ThrottleFuture::running(self.inner.call(request), None)
    }

    #[cold]
    fn park<ReqBody>(
        &mut self,
        count: Count,
        client: Client,
        quota: Quota,
        request: Request<ReqBody>,
    ) -> ThrottleFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>> + Clone,
        R: Clone,
    {
        // The instance that was polled ready is the one that is called.
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        ThrottleFuture::parked(Parked {
            count: Timed::new(count, self.layer.throttle.deadline),
            client,
            quota,
            service,
            request,
            respond: self.layer.respond.clone(),
            fields: self.layer.fields,
        })
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
