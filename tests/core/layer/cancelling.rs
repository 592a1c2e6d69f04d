//! Futures that are dropped early, as when the caller disconnects.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Request, Response};
use keygate::ApiKeyLayer;
use tower::{Layer as _, Service as _, ServiceExt as _};

use crate::common::keys::{Keys, RIGHT};
use crate::common::polling::{Drops, poll_once};
use crate::common::services::{Strict, greet};
use crate::common::stores::{Later, Stuck};

fn request() -> Request<()> {
    Request::builder().header("x-api-key", RIGHT).body(()).unwrap()
}

#[tokio::test]
async fn dropping_the_layer_future_drops_the_service_future() {
    let dropped = Drops::default();
    let stuck = Arc::new(AtomicBool::new(true));
    let inner = tower::service_fn(|request: Request<()>| {
        let (guard, stuck) = (dropped.guard(), stuck.swap(false, Ordering::SeqCst));
        async move {
            if stuck {
                std::future::pending::<()>().await;
            }
            drop(guard);
            Ok::<_, Infallible>(greet(&request))
        }
    });

    let mut service = ApiKeyLayer::new(Later(Keys)).layer(inner);
    {
        let Ok(service) = service.ready().await;
        let mut half_way = pin!(service.call(request()));
        assert!(poll_once(half_way.as_mut()).is_pending(), "the lookup has begun");
        assert!(poll_once(half_way.as_mut()).is_pending(), "the service is called");
        assert_eq!(dropped.count(), 0);
    }
    assert_eq!(dropped.count(), 1);

    let Ok(service) = service.ready().await;
    let Ok(response) = service.call(request()).await;
    assert_eq!(response.body(), "User 1");
}

#[tokio::test]
async fn dropping_the_layer_future_drops_the_lookup() {
    let store = Stuck::times(1, Keys);
    let mut service = ApiKeyLayer::new(store.clone()).layer(Strict::default());
    {
        let Ok(service) = service.ready().await;
        let mut half_way = pin!(service.call(request()));
        assert!(poll_once(half_way.as_mut()).is_pending());
        assert_eq!(store.dropped(), 0);
    }
    assert_eq!(store.dropped(), 1);

    let Ok(service) = service.ready().await;
    let Ok(response) = service.call(request()).await;
    assert_eq!(response.body(), "User 1");
}

#[tokio::test]
async fn dropped_future_drops_the_waiting_request_and_service() {
    let (bodies, services) = (Drops::default(), Drops::default());
    let guard = Arc::new(services.guard());
    let inner = tower::service_fn(move |_: Request<_>| {
        let _ = &guard;
        async { Ok::<_, Infallible>(Response::new(String::new())) }
    });
    let layer = ApiKeyLayer::new(Stuck::times(1, Keys));
    let half_way = layer.layer(inner).oneshot(request().map(|()| bodies.guard()));
    {
        let mut half_way = pin!(half_way);
        assert!(poll_once(half_way.as_mut()).is_pending());
        assert_eq!((bodies.count(), services.count()), (0, 0));
    }
    assert_eq!((bodies.count(), services.count()), (1, 1));
}
