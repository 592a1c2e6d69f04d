use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{Request, Response, Uri};
use tower_service::Service;

use crate::app::App;
use crate::error::PageError;
use crate::operator::Operator;
use crate::{api, assets, guard, pages, sign_in};

/// The page and the API as a tower service: see [`Admin`](crate::Admin). It accepts any body type and is infallible.
///
/// Clones are cheap and share their sessions.
#[derive(Clone)]
pub struct AdminService {
    app: Arc<App>,
    router: Router,
}

impl AdminService {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let router = routes(&app).with_state(Arc::clone(&app));
        Self { app, router }
    }
}

fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let router = Router::new()
        .merge(sign_in::routes())
        .merge(assets::routes())
        .merge(pages::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed);
    match app.operators.as_ref().filter(|_| app.has_api) {
        Some(operators) => router.nest("/api/v1", api::routes(app, operators)),
        None => router,
    }
}

async fn not_allowed() -> PageError {
    PageError::MethodNotAllowed
}

async fn not_found(uri: Uri) -> Response<Body> {
    if guard::is_api(uri.path()) {
        return api::not_found();
    }
    PageError::NotFound("There is no such page.".to_owned()).into_response()
}

impl<B> Service<Request<B>> for AdminService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = AdminFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> AdminFuture {
        let Self { app, mut router } = self.clone();
        AdminFuture(Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let method = parts.method.clone();
            let is_api = app.has_api && guard::is_api(parts.uri.path());
            let admitted = guard::admit(&app, &mut parts).await;
            let operator = parts.extensions.get::<Operator>().cloned();
            let response = match admitted {
                Ok(()) => {
                    let _end = (!method.is_safe()).then(|| EndOfCounts(&app));
                    let Ok(response) =
                        router.call(Request::from_parts(parts, Body::new(body))).await;
                    response
                }
                Err(error) if is_api => api::refused(&error).into_response(),
                Err(error) => error.into_response(),
            };
            guard::finish(&app, operator.as_ref(), &method, response)
        }))
    }
}

/// Ends the use of kept counts after a request that may change something, even if the caller disconnects.
struct EndOfCounts<'a>(&'a App);

impl Drop for EndOfCounts<'_> {
    fn drop(&mut self) {
        self.0.safety.end();
    }
}

impl fmt::Debug for AdminService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminService").field("site", &self.app.site).finish_non_exhaustive()
    }
}

/// The response future of [`AdminService`].
#[must_use]
pub struct AdminFuture(Pin<Box<dyn Future<Output = Response<Body>> + Send>>);

impl Future for AdminFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context).map(Ok)
    }
}

impl fmt::Debug for AdminFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminFuture(..)")
    }
}
