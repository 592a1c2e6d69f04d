use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::client::Client;
use crate::error::{AuthError, StoreError};
use crate::limit::{Decision, EffectiveQuota, Permit, WithDeadline, decide};
use crate::respond::{Respond, add_fields};

pin_project! {
    /// The future of [`ThrottleService`](crate::layer::ThrottleService).
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
        Running { #[pin] future: Fut, permit: Option<Permit> },
        Parked { parked: Option<Box<Parked<Inner, ReqBody, R>>> },
    }
}

/// A request and the service that is ready for it, while the counters decide.
pub(super) struct Parked<Inner, ReqBody, R> {
    pub(super) decision: WithDeadline,
    pub(super) client: Client,
    pub(super) quota: EffectiveQuota,
    pub(super) service: Inner,
    pub(super) request: Request<ReqBody>,
    pub(super) respond: R,
    pub(super) headers: bool,
}

impl<Inner, ReqBody, R> ThrottleFuture<Inner, ReqBody, R>
where
    Inner: Service<Request<ReqBody>>,
{
    pub(super) fn running(future: Inner::Future, permit: Option<Permit>) -> Self {
        Self { state: State::Running { future, permit } }
    }

    #[cold]
    pub(super) fn refused<ResBody>(respond: &R, error: AuthError) -> Self
    where
        Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
        R: Respond<ResBody>,
    {
        Self { state: State::Refused { response: Some(refusal(respond, error)) } }
    }

    pub(super) fn parked(parked: Parked<Inner, ReqBody, R>) -> Self {
        Self { state: State::Parked { parked: Some(Box::new(parked)) } }
    }
}

fn refusal<B>(respond: &impl Respond<B>, error: AuthError) -> Response<B> {
    let mut response = respond.respond(&error);
    add_fields(&mut response, &error, None);
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
    /// If it is polled again after completion.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.as_mut().project().state.project() {
            StateProjection::Running { future, permit } => {
                let mut poll = future.poll(cx);
                if let (Poll::Ready(Ok(response)), Some(permit)) = (&mut poll, permit) {
                    permit.add_headers(response.headers_mut());
                }
                poll
            }
            StateProjection::Refused { response } => {
                Poll::Ready(Ok(response.take().expect(POLLED_AFTER_END)))
            }
            StateProjection::Parked { .. } => self.poll_parked(cx),
        }
    }
}

impl<Inner, ReqBody, ResBody, R> ThrottleFuture<Inner, ReqBody, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Respond<ResBody>,
{
    fn poll_parked(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<ResBody>, Inner::Error>> {
        let mut state = self.as_mut().project().state;
        let StateProjection::Parked { parked } = state.as_mut().project() else {
            unreachable!("called for parked requests only");
        };
        let waiting = parked.as_mut().expect(POLLED_AFTER_END);
        let decision = ready!(Pin::new(&mut waiting.decision).poll(cx));
        let parked = *parked.take().expect(POLLED_AFTER_END);
        state.set(parked.proceed(decision));
        self.poll(cx)
    }
}

const POLLED_AFTER_END: &str = "`ThrottleFuture` polled after completion";

impl<Inner, ReqBody, ResBody, R> Parked<Inner, ReqBody, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Respond<ResBody>,
{
    fn proceed(
        mut self,
        decision: Result<Decision, StoreError>,
    ) -> State<Inner, ReqBody, Inner::Future, Response<ResBody>, R> {
        match decide(&self.client, self.quota, decision) {
            Ok(permit) => {
                let permit = self.headers.then_some(permit);
                State::Running { future: self.service.call(self.request), permit }
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
