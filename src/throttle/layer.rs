use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_timer::Delay;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{Allowance, Count, Counters, MemoryCounters, Throttle, Throttled, decide};
use crate::client::Client;
use crate::error::{AuthError, StoreError};
use crate::layer::Anonymous;
use crate::quota::Quota;
use crate::respond::{ProblemJson, Respond, add_fields};

/// How long counters that wait may take.
const DEADLINE: Duration = Duration::from_secs(1);

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
/// | `RateLimit: "minute";r=42;t=35` | all | the tightest rate: `r` more requests at once; the whole burst in `t` seconds |
///
/// The two are those of draft-ietf-httpapi-ratelimit-headers-11. They name no client and no key.
/// [`ThrottleLayer::without_fields`] leaves them out of what is allowed.
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

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let extensions = request.extensions();
        let Some(client) = extensions.get::<Client>() else {
            if extensions.get::<Anonymous>().is_some() {
                return ThrottleFuture::running(self.inner.call(request), None);
            }
            return ThrottleFuture::refused(
                &self.layer.respond,
                AuthError::Unavailable(StoreError::new(
                    "no `ApiKeyLayer` stands outside of this `ThrottleLayer`: put one around it",
                )),
            );
        };
        let fields = self.layer.fields;
        let Some(spend) = self.layer.throttle.spend(client) else {
            return ThrottleFuture::running(self.inner.call(request), None);
        };
        match self.layer.throttle.counters.spend(&spend).try_ready() {
            Ok(Ok(tally)) if tally.allowed => {
                let fields = fields.then(|| Allowance::new(spend.quota, tally));
                ThrottleFuture::running(self.inner.call(request), fields)
            }
            Ok(Ok(tally)) => {
                let error = Throttled::error(client, spend.quota, tally);
                ThrottleFuture::refused(&self.layer.respond, error)
            }
            Ok(Err(error)) => {
                ThrottleFuture::refused(&self.layer.respond, AuthError::Unavailable(error))
            }
            Err(count) => {
                let (client, quota) = (client.clone(), spend.quota.clone());
                self.park(count, client, quota, request)
            }
        }
    }
}

impl<Inner: Clone, C, R: Clone> ThrottleService<Inner, C, R> {
    #[cold]
    fn park<ReqBody>(
        &mut self,
        count: Count,
        client: Client,
        quota: Quota,
        request: Request<ReqBody>,
    ) -> ThrottleFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>>,
    {
        // The instance that was polled ready is the one that is called.
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        let parked = Parked {
            count,
            delay: Delay::new(DEADLINE),
            client,
            quota,
            service,
            request,
            respond: self.layer.respond.clone(),
            fields: self.layer.fields,
        };
        ThrottleFuture { state: State::Parked { parked: Some(Box::new(parked)) } }
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

pin_project! {
    /// The future of [`ThrottleService`].
    #[must_use = "a response future does nothing unless it is awaited"]
    pub struct ThrottleFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<Inner, ReqBody, Inner::Future, Inner::Response, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<Inner, ReqBody, Fut, Res, R> {
        Refused { response: Option<Res> },
        Running { #[pin] future: Fut, fields: Option<Allowance> },
        Parked { parked: Option<Box<Parked<Inner, ReqBody, R>>> },
    }
}

/// A request and the service that is ready for it, while the counters are asked.
struct Parked<Inner, ReqBody, R> {
    count: Count,
    delay: Delay,
    client: Client,
    quota: Quota,
    service: Inner,
    request: Request<ReqBody>,
    respond: R,
    fields: bool,
}

impl<Inner, ReqBody, R> ThrottleFuture<Inner, ReqBody, R>
where
    Inner: Service<Request<ReqBody>>,
{
    fn running(future: Inner::Future, fields: Option<Allowance>) -> Self {
        Self { state: State::Running { future, fields } }
    }

    fn refused<ResBody>(respond: &R, error: AuthError) -> Self
    where
        Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
        R: Respond<ResBody>,
    {
        Self { state: State::Refused { response: Some(refusal(respond, error)) } }
    }
}

fn refusal<B>(respond: &impl Respond<B>, error: AuthError) -> Response<B> {
    let mut response = respond.respond(&error);
    add_fields(response.headers_mut(), &error, None);
    response.extensions_mut().insert(error);
    response
}

impl<Inner, ReqBody, ResBody, R> Future for ThrottleFuture<Inner, ReqBody, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Respond<ResBody>,
{
    type Output = Result<Response<ResBody>, Inner::Error>;

    /// # Panics
    ///
    /// When polled again after it has answered, as futures may.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut state = self.as_mut().project().state;
            let next = match state.as_mut().project() {
                StateProjection::Running { future, fields: None } => return future.poll(cx),
                StateProjection::Running { future, fields: Some(allowance) } => {
                    let mut response = ready!(future.poll(cx))?;
                    allowance.put_fields(response.headers_mut());
                    return Poll::Ready(Ok(response));
                }
                StateProjection::Refused { response } => {
                    return Poll::Ready(Ok(response.take().expect(POLLED_AFTER_END)));
                }
                StateProjection::Parked { parked } => {
                    let waiting = parked.as_mut().expect(POLLED_AFTER_END);
                    let answer = match Pin::new(&mut waiting.count).poll(cx) {
                        Poll::Ready(answer) => answer,
                        Poll::Pending => {
                            ready!(Pin::new(&mut waiting.delay).poll(cx));
                            Err(StoreError::timed_out())
                        }
                    };
                    (*parked.take().expect(POLLED_AFTER_END)).proceed(answer)
                }
            };
            state.set(next);
        }
    }
}

const POLLED_AFTER_END: &str = "a response future is not polled after its end";

impl<Inner, ReqBody, ResBody, R> Parked<Inner, ReqBody, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Respond<ResBody>,
{
    fn proceed(
        mut self,
        answer: Result<super::Tally, StoreError>,
    ) -> State<Inner, ReqBody, Inner::Future, Response<ResBody>, R> {
        match decide(&self.client, &self.quota, answer) {
            Ok(allowance) => {
                let fields = self.fields.then_some(allowance);
                State::Running { future: self.service.call(self.request), fields }
            }
            Err(error) => State::Refused { response: Some(refusal(&self.respond, error)) },
        }
    }
}

impl<Inner: Service<Request<ReqBody>>, ReqBody, R> fmt::Debug
    for ThrottleFuture<Inner, ReqBody, R>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Refused { .. } => "ThrottleFuture(refused)",
            State::Running { .. } => "ThrottleFuture(running)",
            State::Parked { .. } => "ThrottleFuture(waiting for the counters)",
        })
    }
}
