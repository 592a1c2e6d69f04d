use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{fmt, mem};

use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// The future of a service that decides on a request (`D`) and completes the response (`F`).
    ///
    /// # Panics
    ///
    /// If it is polled again after completion.
    #[must_use = "a response future does nothing unless it is awaited"]
    pub struct ResponseFuture<Inner, ReqBody, D, F>
    where
        Inner: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<Inner, ReqBody, Inner::Future, Inner::Response, D, F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<Inner, ReqBody, Fut, Res, D, F> {
        Refused { response: Option<Res> },
        // Boxed, since a request is large and most stores never wait.
        Waiting { waiting: Option<Box<Waiting<Inner, ReqBody, D>>> },
        Running { #[pin] future: Fut, finish: F },
    }
}

/// A request and the service that is ready for it, until the layer has decided.
struct Waiting<Inner, ReqBody, D> {
    decision: D,
    service: Inner,
    request: Request<ReqBody>,
}

/// A pending decision of a layer on a request.
pub trait Decide<ResBody> {
    type Finish: Finish;

    /// Polls the decision: the completion of the response if the request is admitted, or the refusal.
    fn poll(
        &mut self,
        request: &mut Extensions,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Finish, Response<ResBody>>>;
}

/// Completes the response of the inner service.
pub trait Finish {
    /// Returns whether the response may have to change. Other responses are passed on without a copy, which would cost
    /// 20 ns.
    fn changes<B>(&self, _: &Response<B>) -> bool {
        false
    }

    fn finish<B>(&self, response: Response<B>) -> Response<B> {
        response
    }
}

impl<Inner: Service<Request<ReqBody>>, ReqBody, D, F> ResponseFuture<Inner, ReqBody, D, F> {
    pub(super) fn refused(response: Inner::Response) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    #[inline]
    pub(super) fn running(future: Inner::Future, finish: F) -> Self {
        Self { state: State::Running { future, finish } }
    }

    /// Calls the service after the decision. `ready` has been polled ready; a clone replaces it in the layer.
    pub(super) fn waiting(decision: D, ready: &mut Inner, request: Request<ReqBody>) -> Self
    where
        Inner: Clone,
    {
        let clone = ready.clone();
        let service = mem::replace(ready, clone);
        let waiting = Some(Box::new(Waiting { decision, service, request }));
        Self { state: State::Waiting { waiting } }
    }
}

impl<Inner, ReqBody, ResBody, D> Future for ResponseFuture<Inner, ReqBody, D, D::Finish>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    D: Decide<ResBody>,
{
    type Output = Result<Response<ResBody>, Inner::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Running { future, finish } => {
                    return match future.poll(cx) {
                        Poll::Ready(Ok(response)) if finish.changes(&response) => {
                            Poll::Ready(Ok(finish.finish(response)))
                        }
                        poll => poll,
                    };
                }
                StateProjection::Refused { response } => {
                    return Poll::Ready(Ok(response.take().expect(POLLED_AFTER_COMPLETION)));
                }
                StateProjection::Waiting { waiting } => {
                    let pending = waiting.as_mut().expect(POLLED_AFTER_COMPLETION);
                    let extensions = pending.request.extensions_mut();
                    let decision = ready!(pending.decision.poll(extensions, cx));
                    let Waiting { mut service, request, .. } =
                        *waiting.take().expect(POLLED_AFTER_COMPLETION);
                    state.set(match decision {
                        Ok(finish) => State::Running { future: service.call(request), finish },
                        Err(response) => State::Refused { response: Some(response) },
                    });
                }
            }
        }
    }
}

const POLLED_AFTER_COMPLETION: &str = "a response future was polled after completion";

impl<Inner: Service<Request<ReqBody>>, ReqBody, D, F> fmt::Debug
    for ResponseFuture<Inner, ReqBody, D, F>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Refused { .. } => "ResponseFuture(refused)",
            State::Waiting { .. } => "ResponseFuture(waiting)",
            State::Running { .. } => "ResponseFuture(running)",
        })
    }
}
