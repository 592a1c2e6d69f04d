//! The layer calls the instance of the service that it polled ready.

use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use http::{Request, Response};
use keygate::{ApiKeyLayer, KeyStore};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::common::keys::{Keys, MIXED_UP, RIGHT, RIGHT_TOO, UNANSWERABLE, WRONG};
use crate::common::services::Strict;
use crate::common::stores::Later;

fn request(key: Option<&str>) -> Request<()> {
    let request = Request::builder();
    let request = if let Some(key) = key { request.header("x-api-key", key) } else { request };
    request.body(()).unwrap()
}

/// Sends all kinds of requests twice, one after the other, through the same service.
async fn one_after_the_other<S: KeyStore>(layer: ApiKeyLayer<S>, anonymous: &str) {
    let mut service = layer.layer(Strict::default());
    for _ in 0..2 {
        for (key, expected) in [
            (Some(RIGHT), "User 1"),
            (Some(WRONG), "401"),
            (None, anonymous),
            (Some(UNANSWERABLE), "503"),
            (Some(RIGHT_TOO), "User 2"),
            (Some(MIXED_UP), "503"),
            (Some(" "), "401"),
        ] {
            let Ok(service) = service.ready().await;
            let Ok(response) = service.call(request(key)).await;
            let status = response.status();
            let text =
                if status.is_success() { response.into_body() } else { status.as_str().into() };
            assert_eq!(text, expected, "{key:?}");
        }
    }
}

#[tokio::test]
async fn ready_instance_is_called_with_a_local_store() {
    one_after_the_other(ApiKeyLayer::new(Keys), "401").await;
    one_after_the_other(ApiKeyLayer::new(Keys).strip_credentials(), "401").await;
}

#[tokio::test]
async fn ready_instance_is_called_with_a_store_that_waits() {
    one_after_the_other(ApiKeyLayer::new(Later(Keys)), "401").await;
    one_after_the_other(ApiKeyLayer::new(Later(Keys)).strip_credentials(), "401").await;
}

#[tokio::test]
async fn ready_instance_is_called_for_anonymous_requests() {
    one_after_the_other(ApiKeyLayer::new(Keys).optional(), "nobody").await;
    one_after_the_other(ApiKeyLayer::new(Later(Keys)).optional(), "nobody").await;
}

#[tokio::test]
async fn concurrent_waiting_requests_have_own_instances() {
    let mut service = ApiKeyLayer::new(Later(Keys)).layer(Strict::default());
    let Ok(ready) = service.ready().await;
    let one = ready.call(request(Some(RIGHT)));
    let Ok(ready) = service.ready().await;
    let other = ready.call(request(Some(RIGHT_TOO)));
    drop(service);
    let (Ok(one), Ok(other)) = tokio::join!(one, other);
    assert_eq!((&**one.body(), &**other.body()), ("User 1", "User 2"));
}

#[tokio::test]
async fn clones_of_the_service_are_polled_ready_separately() {
    let mut service = ApiKeyLayer::new(Keys).layer(Strict::default());
    let Ok(_) = service.ready().await;
    let Ok(response) = service.clone().oneshot(request(Some(RIGHT))).await;
    assert_eq!(response.body(), "User 1");
}

/// An error that nothing converts into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NotReady,
    InCall,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[derive(Clone)]
struct Faulty(Fault);

impl Service<Request<()>> for Faulty {
    type Response = Response<String>;
    type Error = Fault;
    type Future = std::future::Ready<Result<Response<String>, Fault>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(if self.0 == Fault::NotReady { Err(Fault::NotReady) } else { Ok(()) })
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        std::future::ready(Err(Fault::InCall))
    }
}

#[tokio::test]
async fn errors_of_the_service_pass_through_with_their_own_type() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        for key in [Some(RIGHT), None] {
            let response: Result<_, Fault> =
                layer.layer(Faulty(Fault::InCall)).oneshot(request(key)).await;
            assert_eq!(response.unwrap_err(), Fault::InCall);
        }
    }
    check(ApiKeyLayer::new(Keys).optional()).await;
    check(ApiKeyLayer::new(Later(Keys)).optional()).await;
}

#[tokio::test]
async fn errors_of_poll_ready_pass_through_with_their_own_type() {
    for key in [Some(RIGHT), Some(WRONG), None] {
        let response: Result<_, Fault> =
            ApiKeyLayer::new(Keys).layer(Faulty(Fault::NotReady)).oneshot(request(key)).await;
        assert_eq!(response.unwrap_err(), Fault::NotReady);
    }
}

type Greeted = std::future::Ready<Result<Response<String>, Infallible>>;

#[tokio::test]
async fn refused_requests_do_not_reach_the_service() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        let unreachable = tower::service_fn(|request: Request<()>| -> Greeted {
            unreachable!("the service is called with {request:?}")
        });
        for key in [None, Some(" "), Some(WRONG), Some(UNANSWERABLE), Some(MIXED_UP)] {
            let Ok(response) = layer.layer(unreachable).oneshot(request(key)).await;
            assert!(!response.status().is_success(), "{key:?}");
        }
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
}
