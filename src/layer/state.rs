use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// The state of a response future whose layer may have to wait before it calls the inner service.
    #[project = StateProjection]
    pub(super) enum State<Inner, ReqBody, Fut, Res, D, F> {
        Refused { response: Option<Res> },
        // Boxed, since a request is large and most stores never wait.
        Waiting { waiting: Option<Box<Waiting<Inner, ReqBody, D>>> },
        Running { #[pin] future: Fut, finish: F },
    }
}

/// A request and the service that is ready for it, until the layer has decided.
pub(super) struct Waiting<Inner, ReqBody, D> {
    decision: D,
    service: Inner,
    request: Request<ReqBody>,
}

/// A pending decision of a layer on a request.
pub(super) trait Decide<ResBody> {
    type Finish: Finish;

    /// Polls the decision: admitted, and what is left to do with the response, or refused.
    fn poll(
        &mut self,
        request: &mut Extensions,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Finish, Response<ResBody>>>;
}

/// Completes the response of the inner service.
pub(super) trait Finish {
    /// Returns whether the response may have to change. Others are passed on without being copied, which costs 20 ns.
    fn changes<B>(&self, response: &Response<B>) -> bool;

    fn finish<B>(&self, response: Response<B>) -> Response<B>;
}

impl<Inner, ReqBody, Fut, Res, D, F> State<Inner, ReqBody, Fut, Res, D, F> {
    pub(super) fn refused(response: Res) -> Self {
        Self::Refused { response: Some(response) }
    }

    pub(super) fn waiting(decision: D, service: Inner, request: Request<ReqBody>) -> Self {
        Self::Waiting { waiting: Some(Box::new(Waiting { decision, service, request })) }
    }
}

impl<Inner, ReqBody, ResBody, D>
    State<Inner, ReqBody, Inner::Future, Response<ResBody>, D, D::Finish>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    D: Decide<ResBody>,
{
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<ResBody>, Inner::Error>> {
        match self.as_mut().project() {
            StateProjection::Running { future, finish } => match future.poll(cx) {
                Poll::Ready(Ok(response)) if finish.changes(&response) => {
                    Poll::Ready(Ok(finish.finish(response)))
                }
                poll => poll,
            },
            StateProjection::Refused { response } => {
                Poll::Ready(Ok(response.take().expect(POLLED_AFTER_COMPLETION)))
            }
            StateProjection::Waiting { waiting } => {
                let pending = waiting.as_mut().expect(POLLED_AFTER_COMPLETION);
                let decision = ready!(pending.decision.poll(pending.request.extensions_mut(), cx));
                let Waiting { mut service, request, .. } =
                    *waiting.take().expect(POLLED_AFTER_COMPLETION);
                self.set(match decision {
                    Ok(finish) => State::Running { future: service.call(request), finish },
                    Err(response) => State::refused(response),
                });
                self.poll(cx)
            }
        }
    }
}

const POLLED_AFTER_COMPLETION: &str = "a response future was polled after completion";

impl<Inner, ReqBody, Fut, Res, D, F> fmt::Debug for State<Inner, ReqBody, Fut, Res, D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Refused { .. } => "Refused",
            State::Waiting { .. } => "Waiting",
            State::Running { .. } => "Running",
        })
    }
}
