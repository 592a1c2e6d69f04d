use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

#[cfg(feature = "axum")]
use http::header::WWW_AUTHENTICATE;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::caching::Caching;
use crate::authenticate::{Authenticate, SharedConfig};
use crate::error::AuthError;
#[cfg(feature = "axum")]
use crate::respond::Provisional;
use crate::respond::{Notified, Respond, complete};

pin_project! {
    /// The future of [`ApiKeyService`](crate::layer::ApiKeyService).
    #[must_use = "a response future does nothing unless it is awaited"]
    pub struct ResponseFuture<Inner, ReqBody, R>
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
        // Behind a box: a request is large, and most stores never park one.
        Parked { parked: Option<Box<Parked<Inner, ReqBody, R>>> },
        Running { #[pin] future: Fut, finish: Finish },
    }
}

/// A request and the service that is ready for it, while the store is asked.
struct Parked<Inner, ReqBody, R> {
    authenticate: Authenticate,
    service: Inner,
    request: Request<ReqBody>,
    respond: R,
    finish: Finish,
}

/// What is left to do when the service has answered.
pub(super) struct Finish {
    pub(super) rules: SharedConfig,
    pub(super) caching: Caching,
    pub(super) anonymous: bool,
}

impl Finish {
    #[inline]
    fn poll<F, B, E>(&self, future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output>
    where
        F: Future<Output = Result<Response<B>, E>>,
    {
        if !matches!(self.caching, Caching::AsTheServiceSays) {
            return self.poll_and_change(future, cx);
        }
        // Handed on as it comes, unless it may have to change. What is changed has an address, and so
        // would be copied there and back: 20 ns for every response.
        let poll = future.poll(cx);
        match &poll {
            Poll::Ready(Ok(response)) if !response.extensions().is_empty() => self.change(poll),
            _ => poll,
        }
    }

    #[inline(never)]
    fn poll_and_change<F, B, E>(&self, future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output>
    where
        F: Future<Output = Result<Response<B>, E>>,
    {
        let mut poll = future.poll(cx);
        if let Poll::Ready(Ok(response)) = &mut poll {
            self.apply(response);
        }
        poll
    }

    #[inline(never)]
    fn change<B, E>(&self, mut poll: Poll<Result<Response<B>, E>>) -> Poll<Result<Response<B>, E>> {
        if let Poll::Ready(Ok(response)) = &mut poll {
            self.apply(response);
        }
        poll
    }

    #[inline]
    fn apply<B>(&self, response: &mut Response<B>) {
        if response.extensions().get::<AuthError>().is_some() {
            self.complete(response);
        } else if !matches!(self.caching, Caching::AsTheServiceSays) {
            self.caching.apply(response.headers_mut(), self.rules.sources());
        }
    }

    #[cold]
    fn complete<B>(&self, response: &mut Response<B>) {
        if let Some(error) = response.extensions().get::<AuthError>().cloned() {
            #[cfg(feature = "axum")]
            if response.extensions_mut().remove::<Provisional>().is_some() {
                response.headers_mut().remove(WWW_AUTHENTICATE);
            }
            let told = response.extensions_mut().insert(Notified);
            if told.is_none() && !self.rules.observers.is_empty() {
                self.rules.notify_downstream(&error, self.anonymous);
            }
            complete(response, &error, self.rules.challenges());
        }
    }
}

impl<Inner: Service<Request<ReqBody>>, ReqBody, R> ResponseFuture<Inner, ReqBody, R> {
    pub(super) fn refused(response: Inner::Response) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    #[inline]
    pub(super) fn running(future: Inner::Future, finish: Finish) -> Self {
        Self { state: State::Running { future, finish } }
    }

    pub(super) fn parked(
        authenticate: Authenticate,
        service: Inner,
        request: Request<ReqBody>,
        respond: R,
        finish: Finish,
    ) -> Self {
        let parked = Box::new(Parked { authenticate, service, request, respond, finish });
        Self { state: State::Parked { parked: Some(parked) } }
    }
}

impl<Inner, ReqBody, ResBody, R> Future for ResponseFuture<Inner, ReqBody, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Respond<ResBody>,
{
    type Output = Result<Response<ResBody>, Inner::Error>;

    /// # Panics
    ///
    /// When polled again after it has answered, as futures may.
    // Not inlined, so that the response is moved once: from the inner future to the caller's place.
    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.as_mut().project().state.project() {
            StateProjection::Running { future, finish } => finish.poll(future, cx),
            StateProjection::Refused { response } => {
                Poll::Ready(Ok(response.take().expect(POLLED_AFTER_END)))
            }
            StateProjection::Parked { .. } => self.poll_parked(cx),
        }
    }
}

impl<Inner, ReqBody, ResBody, R> ResponseFuture<Inner, ReqBody, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Respond<ResBody>,
{
    #[inline(never)]
    fn poll_parked(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<ResBody>, Inner::Error>> {
        let mut state = self.as_mut().project().state;
        let StateProjection::Parked { parked } = state.as_mut().project() else {
            unreachable!("only a parked request is asked about");
        };
        let waiting = parked.as_mut().expect(POLLED_AFTER_END);
        let result = ready!(Pin::new(&mut waiting.authenticate).poll(cx));
        let parked = *parked.take().expect(POLLED_AFTER_END);
        state.set(parked.proceed(result));
        self.poll(cx)
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
        result: Result<crate::Client, AuthError>,
    ) -> State<Inner, ReqBody, Inner::Future, Response<ResBody>, R> {
        match result {
            Ok(client) => {
                self.request.extensions_mut().insert(client);
                State::Running { future: self.service.call(self.request), finish: self.finish }
            }
            Err(error) => {
                State::Refused { response: Some(self.finish.rules.refuse(&self.respond, &error)) }
            }
        }
    }
}

impl<Inner: Service<Request<ReqBody>>, ReqBody, R> fmt::Debug
    for ResponseFuture<Inner, ReqBody, R>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Refused { .. } => "ResponseFuture(refused)",
            State::Parked { .. } => "ResponseFuture(waiting for the store)",
            State::Running { .. } => "ResponseFuture(running)",
        })
    }
}
