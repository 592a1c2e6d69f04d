//! Bodies that can only be made from text, and boxed bodies, behind each layer.

use std::convert::Infallible;
use std::future::Ready;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame};
use keygate::respond::{ProblemJson, Respond};
use keygate::{ApiKeyLayer, AuthError, Client, RequireScope};
use tower::{Layer as _, ServiceExt as _};

use crate::common::keys::Keys;
use crate::common::reply::Reply;

/// A body like those of salvo, jsonrpsee and warp: neither `Default` nor `From<Cow>`.
pub(crate) struct FromText(Full<Bytes>);

impl From<String> for FromText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&'static str> for FromText {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl Body for FromText {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }
}

type Answered<B> = Ready<Result<Response<B>, Infallible>>;

fn unreached<B>(request: Request<()>) -> Answered<B> {
    unreachable!("{:?} is admitted", request.into_body())
}

/// The refusals of two layers around a service with these bodies: one with a fixed text, and one that contains a scope.
async fn assert_problem_json<R, B>(respond: R)
where
    R: Respond<B> + Clone,
    B: Body<Error: std::fmt::Debug>,
{
    let inner = || tower::service_fn(unreached::<B>);
    let by_key = ApiKeyLayer::new(Keys).with_response(respond.clone()).layer(inner());
    let Ok(response) = by_key.oneshot(Request::new(())).await;
    let response = Reply::of(response).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.lines("content-type"), ["application/problem+json"]);
    assert_eq!(
        response.body,
        r#"{"title":"Unauthorized","status":401,"detail":"Credentials not present in request"}"#
    );

    let by_scope = RequireScope::new("orders:write").unwrap().with_response(respond);
    let mut request = Request::new(());
    request.extensions_mut().insert(Client::for_test("User 1"));
    let Ok(response) = by_scope.layer(inner()).oneshot(request).await;
    let response = Reply::of(response).await;
    assert_eq!(response.status, 403);
    assert_eq!(
        response.body,
        r#"{"title":"Forbidden","status":403,"detail":"Scope orders:write needed"}"#
    );
}

#[tokio::test]
async fn problem_json_only_needs_bodies_from_text() {
    assert_problem_json::<_, FromText>(ProblemJson).await;
}

#[tokio::test]
async fn closures_make_boxed_bodies() {
    let boxed =
        |error: &AuthError| ProblemJson.respond(error).map(|body: Full<Bytes>| body.boxed());
    assert_problem_json::<_, BoxBody<Bytes, Infallible>>(boxed).await;
    let boxed =
        |error: &AuthError| ProblemJson.respond(error).map(|body: FromText| body.boxed_unsync());
    assert_problem_json::<_, UnsyncBoxBody<Bytes, Infallible>>(boxed).await;
}
