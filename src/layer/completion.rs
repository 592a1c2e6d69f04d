use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::WWW_AUTHENTICATE;
use http::{Extensions, Response};

use super::future::{Decide, Finish, ResponseFuture};
use crate::authenticate::{Authenticate, Config, SharedConfig, is_downstream};
use crate::error::AuthError;
use crate::respond::{
    Caching, Refusal, Respond, WarningHeader, add_warning, complete, error_of, refusal,
};

/// The future of [`ApiKeyService`](crate::layer::ApiKeyService).
pub type ApiKeyFuture<Inner, ReqBody, R> = ResponseFuture<Inner, ReqBody, Pending<R>, Completion>;

/// A key that is being looked up, and the means to refuse it.
#[expect(missing_debug_implementations, reason = "its future has one")]
pub struct Pending<R> {
    pub(super) authenticate: Authenticate,
    pub(super) respond: R,
    pub(super) completion: Completion,
}

/// Completes the response of the inner service.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "its future has one")]
pub struct Completion {
    pub(super) config: SharedConfig,
    pub(super) caching: Caching,
    pub(super) anonymous: bool,
    pub(super) warning: WarningHeader,
}

impl<ResBody, R: Respond<ResBody>> Decide<ResBody> for Pending<R> {
    type Finish = Completion;

    fn poll(
        &mut self,
        request: &mut Extensions,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Completion, Response<ResBody>>> {
        Poll::Ready(match ready!(Pin::new(&mut self.authenticate).poll(cx)) {
            Ok(client) => {
                let mut completion = self.completion.clone();
                completion.warning = completion.config.get().warning_for(&client);
                request.insert(client);
                Ok(completion)
            }
            Err(error) => Err(refuse(self.completion.config.get(), &self.respond, &error)),
        })
    }
}

/// Makes the response to a request that the authenticator refused and reported.
pub(super) fn refuse<B>(
    config: &Config,
    respond: &impl Respond<B>,
    error: &AuthError,
) -> Response<B> {
    let mut response = refusal(respond, error, Some(&config.challenges));
    // A layer further out would report it again.
    if is_downstream(error, true) {
        Refusal::of(&mut response).notified = true;
    }
    response
}

impl Finish for Completion {
    #[inline]
    fn changes<B>(&self, response: &Response<B>) -> bool {
        !matches!(self.caching, Caching::Unchanged)
            || !response.extensions().is_empty()
            || self.warning.is_some()
    }

    #[inline(never)]
    fn finish<B>(&self, mut response: Response<B>) -> Response<B> {
        if error_of(response.extensions()).is_some() {
            self.complete_refusal(&mut response);
        } else {
            self.caching.apply(response.headers_mut(), &self.config.get().sources);
        }
        add_warning(response.headers_mut(), &self.warning);
        response
    }
}

impl Completion {
    /// Completes the response to a request that was refused behind the layer.
    #[cold]
    fn complete_refusal<B>(&self, response: &mut Response<B>) {
        let config = self.config.get();
        let Some(error) = error_of(response.extensions()).cloned() else { return };
        let refusal = Refusal::of(response);
        let first = !mem::replace(&mut refusal.notified, true);
        if mem::take(&mut refusal.default_challenges) {
            response.headers_mut().remove(WWW_AUTHENTICATE);
        }
        if first && !config.observers.is_empty() {
            config.notify_downstream(&error, self.anonymous);
        }
        // Existing challenges come from an inner layer.
        let challenged = response.headers().contains_key(WWW_AUTHENTICATE);
        complete(response, &error, (!challenged).then_some(&config.challenges));
    }
}
