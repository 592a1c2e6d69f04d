//! Test doubles of services.

use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use keygate::{ApiKeyLayer, Client, KeyStore};
use tower::{Layer as _, Service, ServiceExt as _};

/// A service that panics if it is called without having been polled ready.
#[derive(Default)]
pub(crate) struct Strict(Readiness);

#[derive(Default)]
enum Readiness {
    #[default]
    Unpolled,
    Pending,
    Ready,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<()>> for Strict {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if matches!(self.0, Readiness::Unpolled) {
            self.0 = Readiness::Pending;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.0 = Readiness::Ready;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let ready = matches!(mem::take(&mut self.0), Readiness::Ready);
        assert!(ready, "the instance that is called is not the one that was polled ready");
        std::future::ready(Ok(greet(&request)))
    }
}

/// A service that responds with the name of the client in the body, and the client in the extensions.
pub(crate) fn greet(request: &Request<()>) -> Response<String> {
    let client = request.extensions().get::<Client>();
    let mut response = Response::new(client.map_or("nobody", Client::name).to_owned());
    if let Some(client) = client {
        response.extensions_mut().insert(client.clone());
    }
    response
}

/// The response of a service that greets its client, behind this layer.
pub(crate) async fn respond<S, R>(
    layer: &ApiKeyLayer<S, R>,
    request: Request<()>,
) -> Response<String>
where
    S: KeyStore,
    R: keygate::respond::Respond<String> + Clone,
{
    respond_from(layer, request, |request| greet(&request)).await
}

/// The response of this service behind this layer.
pub(crate) async fn respond_from<S, R>(
    layer: &ApiKeyLayer<S, R>,
    request: Request<()>,
    service: impl Fn(Request<()>) -> Response<String> + Clone,
) -> Response<String>
where
    S: KeyStore,
    R: keygate::respond::Respond<String> + Clone,
{
    let inner =
        tower::service_fn(move |request| std::future::ready(Ok::<_, Infallible>(service(request))));
    let Ok(response) = layer.layer(inner).oneshot(request).await;
    response
}

/// The head of the request as the service behind the layer sees it, if the request is passed on.
pub(crate) async fn seen_behind<S, R>(
    layer: &ApiKeyLayer<S, R>,
    request: Request<()>,
) -> Option<Parts>
where
    S: KeyStore,
    R: keygate::respond::Respond<String> + Clone,
{
    let seen = Arc::new(Mutex::new(None));
    let spy = Arc::clone(&seen);
    respond_from(layer, request, move |request| {
        let response = greet(&request);
        *spy.lock().unwrap() = Some(request.into_parts().0);
        response
    })
    .await;
    seen.lock().unwrap().take()
}
