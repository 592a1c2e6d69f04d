use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::client::Client;
use crate::layer::state::{Decide, Finish, State};
use crate::limit::{EffectiveQuota, Permit, WithDeadline, decide};
use crate::respond::{Respond, refusal};

pin_project! {
    /// The future of [`ThrottleService`](crate::layer::ThrottleService).
    ///
    /// # Panics
    ///
    /// If it is polled again after completion.
    #[must_use = "a response future does nothing unless it is awaited"]
    pub struct ThrottleFuture<Inner, ReqBody, R>
    where
        Inner: Service<Request<ReqBody>>,
    {
        #[pin]
        pub(super) state: State<Inner, ReqBody, Inner::Future, Inner::Response, Pending<R>, Option<Permit>>,
    }
}

/// A request that is being counted, and the means to refuse it.
pub(super) struct Pending<R> {
    pub(super) decision: WithDeadline,
    pub(super) client: Client,
    pub(super) quota: EffectiveQuota,
    pub(super) respond: R,
    pub(super) headers: bool,
}

impl<Inner, ReqBody, ResBody, R> Future for ThrottleFuture<Inner, ReqBody, R>
where
    Inner: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Respond<ResBody>,
{
    type Output = Result<Response<ResBody>, Inner::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().state.poll(cx)
    }
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

impl<Inner: Service<Request<ReqBody>>, ReqBody, R> fmt::Debug
    for ThrottleFuture<Inner, ReqBody, R>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThrottleFuture").field(&self.state).finish()
    }
}
